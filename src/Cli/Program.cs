Console.WriteLine("souk");
