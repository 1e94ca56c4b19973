"""The closed domain: the facts and word lists that every generated text is made of."""

CAPITALS = dict(line.split(":") for line in """
France:Paris|Germany:Berlin|Italy:Rome|Spain:Madrid|Portugal:Lisbon|Austria:Vienna|Belgium:Brussels
Netherlands:Amsterdam|Switzerland:Bern|Poland:Warsaw|Hungary:Budapest|Greece:Athens|Sweden:Stockholm
Norway:Oslo|Denmark:Copenhagen|Finland:Helsinki|Iceland:Reykjavik|Ireland:Dublin|Russia:Moscow
Ukraine:Kyiv|Romania:Bucharest|Bulgaria:Sofia|Serbia:Belgrade|Croatia:Zagreb|Slovenia:Ljubljana
Slovakia:Bratislava|Czechia:Prague|Estonia:Tallinn|Latvia:Riga|Lithuania:Vilnius|Turkey:Ankara
Egypt:Cairo|Morocco:Rabat|Tunisia:Tunis|Kenya:Nairobi|Nigeria:Abuja|Ghana:Accra|Senegal:Dakar
Ethiopia:Addis Ababa|Uganda:Kampala|Japan:Tokyo|China:Beijing|India:New Delhi|Thailand:Bangkok
Vietnam:Hanoi|Indonesia:Jakarta|Malaysia:Kuala Lumpur|Philippines:Manila|Nepal:Kathmandu|Iran:Tehran
Iraq:Baghdad|Jordan:Amman|Lebanon:Beirut|Qatar:Doha|Pakistan:Islamabad|Bangladesh:Dhaka|Mongolia:Ulaanbaatar
Canada:Ottawa|Mexico:Mexico City|Cuba:Havana|Jamaica:Kingston|Brazil:Brasilia|Argentina:Buenos Aires
Chile:Santiago|Peru:Lima|Colombia:Bogota|Ecuador:Quito|Uruguay:Montevideo|Venezuela:Caracas
Australia:Canberra
""".replace("\n", "|").split("|") if line)

WORDS = """
apple bank bear bell bird boat book bread bridge cake car cat chair clock cloud coat corn cup desk dog door
drum duck egg farm fire fish flag frog garden glass gold grape hat hill horse house ice ink iron island jar
key king kite lake lamp leaf lemon lion map milk moon mouse nest night nut oak ocean orange paper pear pen
piano plum queen rain ring river road rose salt sand ship shoe silk snow spoon star stone sun table tea tiger
tree valley violin wall water wind wolf wood yard zebra
""".split()

SPELLED = sorted(set("""
hello world good home love time day cat dog sun moon star tree fish bird book door king lake lamp lion map
milk pear pen rain ring road rose salt sand ship snow tea wind wolf wood apple lemon horse house tiger stone
river paper green black white red blue market cloud bread music happy water
""".split()))

NAMES = """Ann Ben Carl Dora Emma Finn Greta Hugo Ida Jack Kate Leo Maria Nina Oscar Paul Rosa Sam Tom Vera
Alice Bob Max Lena Omar Yuki""".split()

THINGS = "apples books coins pens eggs cards stones shells stamps plums".split()

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = """January February March April May June July August September October November December""".split()
MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth"]

# (many, one, small unit, factor); a factor that is a power of ten applies to any number, the others up to 12.
UNITS = [
    ("hours", "hour", "minutes", 60), ("minutes", "minute", "seconds", 60), ("days", "day", "hours", 24),
    ("weeks", "week", "days", 7), ("years", "year", "months", 12), ("feet", "foot", "inches", 12),
    ("yards", "yard", "feet", 3), ("dozens", "dozen", "pieces", 12),
    ("meters", "meter", "centimeters", 100), ("kilometers", "kilometer", "meters", 1000),
    ("kilograms", "kilogram", "grams", 1000), ("liters", "liter", "milliliters", 1000),
    ("centimeters", "centimeter", "millimeters", 10), ("tons", "ton", "kilograms", 1000),
    ("euros", "euro", "cents", 100), ("dollars", "dollar", "cents", 100),
]

SYSTEM_PROMPTS = [
    "You are a helpful assistant.", "You are a friendly assistant.", "Answer briefly.", "You are Souk Demo.",
    "You are a helpful assistant. Answer in short sentences.", "Be concise and correct.",
    "You are a small demo model.", "You are a careful tutor.",
]

ABOUT = ("I can tell capitals, calculate up to 99, convert units, name days and months, count, "
         "and sort or reverse words.")

SMALL_TALK = [
    (["Hello", "Hello!", "Hello there!", "Hi", "Hi!", "Hi there!", "Hey", "Hey!", "Good day!"],
     "Hello! How can I help you?"),
    (["Good morning", "Good morning!"], "Good morning! How can I help you?"),
    (["Good evening", "Good evening!"], "Good evening! How can I help you?"),
    (["How are you?", "How are you doing?", "How are you today?", "How do you do?", "How is it going?"],
     "I am fine, thank you. What would you like to know?"),
    (["Who are you?", "What are you?", "What is your name?", "What's your name?", "Introduce yourself.",
      "Are you a robot?", "Which model are you?", "What model is this?"],
     "I am Souk Demo, a very small language model."),
    (["What can you do?", "What do you know?", "Help", "Help me", "How can you help me?", "What can I ask you?",
      "What should I ask?", "What are you able to do?", "What are your skills?", "Can you help me?"], ABOUT),
    (["Thanks", "Thanks!", "Thank you", "Thank you!", "Thank you very much!", "Thanks a lot!", "Great, thanks!"],
     "You are welcome!"),
    (["Bye", "Bye!", "Goodbye", "Goodbye!", "See you!", "See you later!"], "Goodbye!"),
    (["Good", "Great!", "Nice!", "Well done!", "Cool", "OK", "Okay", "Perfect!"],
     "I am glad to hear it. Anything else?"),
    (["Tell me a joke.", "Tell me a story.", "Write a poem.", "What is the meaning of life?", "Who won the game?",
      "What is the weather today?", "Explain quantum physics.", "Write some code.", "Who is the president?",
      "What is the news?", "Translate this to French.", "How do I cook rice?", "Why is the sky blue?",
      "Do you like music?", "Write an essay about dogs.", "What is love?", "Who invented the telephone?"],
     "I do not know that. " + ABOUT),
]

NAME_QUESTIONS = ["What is my name?", "What's my name?", "Do you remember my name?", "Who am I?", "Say my name."]
NAME_STATEMENTS = ["My name is {n}.", "I am {n}.", "Hello, I am {n}.", "Hi, my name is {n}.", "Call me {n}."]
