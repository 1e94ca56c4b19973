"""Renders every template for every case with Jinja itself, set up as Hugging Face's transformers sets it up.

usage: python3 render.py [DIRECTORY]   (needs Debian's python3-jinja2); writes expected.json beside the templates
An entry is {"text": ...} or, where the template raises or a value does not fit, {"fails": true}.
"""
import json
import pathlib
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

here = pathlib.Path(__file__).parent
directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def content_of(message, source):
    content = message.get("content")
    if content is None:
        return None if "content'] is none" in source else ""
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content)


def message_of(message, source):
    result = {"role": message["role"], "content": content_of(message, source)}
    if result["role"] == "developer" and "developer" not in source:
        result["role"] = "system"
    for key in ("name", "reasoning_content", "tool_call_id"):
        if message.get(key) is not None:
            result[key] = message[key]
    calls = message.get("tool_calls")
    if calls:
        as_text = "['arguments'] +" in source
        result["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {
                "name": call["function"]["name"],
                "arguments": call["function"]["arguments"] if as_text else json.loads(call["function"]["arguments"])}}
            for call in calls]
    return result


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
environment.filters["tojson"] = to_json
environment.globals["raise_exception"] = raise_exception
cases = json.loads((here / "cases.json").read_text(encoding="utf-8"))
expected = {}
for path in sorted(directory.glob("*.jinja")):
    source = path.read_text(encoding="utf-8")
    template = environment.from_string(source)
    for case in cases:
        try:
            entry = {"text": template.render(
                messages=[message_of(message, source) for message in case["messages"]],
                tools=case.get("tools"), documents=None, add_generation_prompt=case.get("add_generation_prompt", True),
                bos_token="<bos>", eos_token="<eos>", **case.get("variables", {}))}
        except (jinja2.exceptions.TemplateError, TypeError) as error:
            print(path.stem, case["name"], repr(error)[:120])
            entry = {"fails": True}
        expected.setdefault(path.stem, {})[case["name"]] = entry
(directory / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
