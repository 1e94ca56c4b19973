using System.Text.Json;

namespace Souk.Protocol.Tests.TypedData;

public class Eip712Tests
{
    [Fact]
    public void The_example_of_the_standard_gives_its_published_hashes()
    {
        var mail = Vectors.Read("eip712/mail.json");
        var domain = mail.GetProperty("domain");
        var parsed = new Eip712Domain(domain.Text("name"), domain.Text("version"),
            domain.GetProperty("chainId").GetUInt64(), Address.Parse(domain.Text("verifyingContract")));
        var types = mail.GetProperty("types");
        var typeHash = Eip712.TypeHash(types.Text("Mail"));
        var message = mail.GetProperty("message");
        var structHash = new StructHasher(typeHash)
            .Add(Person(types, message.GetProperty("from")))
            .Add(Person(types, message.GetProperty("to")))
            .Add(message.Text("contents")).Hash();
        Assert.Equal(mail.Word("typeHash"), typeHash);
        Assert.Equal(mail.Word("structHash"), structHash);
        Assert.Equal(mail.Word("separator"), parsed.Separator);
        var digest = Eip712.Digest(parsed, structHash);
        Assert.Equal(mail.Word("digest"), digest);
        using var key = PrivateKey.FromBytes(Keccak256.Hash("cow"u8).ToBytes());
        Assert.Equal(mail.Text("address"), key.Address.ToString());
        Assert.Equal(mail.Text("signature"), key.Sign(digest).ToString());
    }

    [Fact]
    public void Domains_differ_by_every_part()
    {
        var domain = new Eip712Domain("a", "1", 1, Address.Zero);
        Assert.Equal(domain, new Eip712Domain("a", "1", 1, Address.Zero));
        var others = new[]
        {
            domain with { Name = "b" }, domain with { Version = "2" }, domain with { ChainId = 2 },
            domain with { VerifyingContract = Address.Parse("0x0000000000000000000000000000000000000001") },
        };
        _ = domain.Separator;
        Assert.Equal(5, others.Append(domain).Select(d => d.Separator).Distinct().Count());
        Assert.DoesNotContain(domain, others);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Only_finite_numbers_are_signed(double value) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new StructHasher(Bytes32.Zero).AddBits(value));

    [Fact]
    public void Minus_zero_is_signed_as_zero() => Assert.Equal(
        new StructHasher(Bytes32.Zero).AddBits(0.0).Hash(), new StructHasher(Bytes32.Zero).AddBits(-0.0).Hash());

    private static Bytes32 Person(JsonElement types, JsonElement person) =>
        new StructHasher(Eip712.TypeHash(types.Text("Person")))
            .Add(person.Text("name")).Add(Address.Parse(person.Text("wallet"))).Hash();
}
