using System.Globalization;

namespace Souk.OpenAi.Templates;

/// <summary>The filters that go through a list: map, select, reject and their attribute forms.</summary>
internal static class Selection
{
    internal static object? Map(RenderState state, object? value, CallArguments args)
    {
        var items = Arithmetic.Items(state, value);
        if (args.Named.Has("attribute"))
        {
            var hasDefault = args.Named.Has("default");
            return items.ConvertAll(item =>
            {
                var found = Attribute(state, item, args.Named["attribute"]);
                return found is Undefined && hasDefault ? args.Named["default"] : found;
            });
        }

        var name = args.RequiredText(0, "filter");
        var filter = Filters.Find(name)
            ?? throw new RenderFailure($"the chat template maps by the unknown filter '{name}'");
        var rest = args.Skip(1);
        return items.ConvertAll(item => filter(state, item, rest));
    }

    internal static object? Select(RenderState state, object? value, CallArguments args, bool byAttribute, bool keeps)
    {
        var attribute = byAttribute && args.Positional.Length > 0 ? args.Positional[0] : null;
        var rest = byAttribute ? args.Skip(1) : args;
        Test test = (_, item, _) => Values.IsTrue(item);
        if (rest.Positional.Length > 0)
        {
            var name = rest.RequiredText(0, "test");
            test = Tests.Find(name)
                ?? throw new RenderFailure($"the chat template selects by the unknown test '{name}'");
            rest = rest.Skip(1);
        }

        return Arithmetic.Items(state, value).FindAll(item =>
            test(state, byAttribute ? Attribute(state, item, attribute) : item, rest) == keeps);
    }

    /// <summary>An attribute by its path, whose parts are separated by points; numbers are places in a list.</summary>
    internal static object? Attribute(RenderState state, object? item, object? path)
    {
        if (path is not string text)
        {
            return Index.Of(state, item, path);
        }

        foreach (var part in text.Split('.'))
        {
            state.Step();
            item = long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var place)
                ? Index.Of(state, item, place)
                : Index.Of(state, item, part);
        }

        return item;
    }
}
