using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Souk.Chain.Keystore;
using Souk.Protocol;

namespace Souk.Chain.Tests.Keystore;

public sealed class KeystoreTests
{
    private static readonly KeystoreCost Cheap = new(2, 8, 1);

    [Theory]
    [InlineData("wikipage_test_vector_scrypt")]
    [InlineData("wikipage_test_vector_pbkdf2")]
    [InlineData("31_byte_key")]
    [InlineData("30_byte_key")]
    public void Opens_the_published_keystores(string name)
    {
        var vector = VectorFiles.Read("keystore/v3_test_vector.json").GetProperty(name);
        var json = Encoding.UTF8.GetBytes(vector.GetProperty("json").GetRawText());
        var expected = VectorFiles.Hex(vector, "priv");

        var secret = KeystoreJson.DecryptSecret(json, vector.GetProperty("password").GetString()!);
        Assert.Equal(expected, secret.Value);
    }

    [Fact]
    public void Another_password_is_refused()
    {
        using var key = PrivateKey.Create(new FixedRandomness(1));
        var json = KeystoreJson.Encrypt(key, "pass", Cheap, new FixedRandomness(2));

        var opened = KeystoreJson.Decrypt(Encoding.UTF8.GetBytes(json), "Pass");

        Assert.Equal("wrong_password", opened.Refusal?.Code);
    }

    [Fact]
    public void A_short_key_of_an_old_wallet_is_padded_on_the_left()
    {
        var vector = VectorFiles.Read("keystore/v3_test_vector.json").GetProperty("30_byte_key");
        var json = Encoding.UTF8.GetBytes(vector.GetProperty("json").GetRawText());
        byte[] padded = [0, 0, .. VectorFiles.Hex(vector, "priv")];
        using var expected = PrivateKey.FromBytes(padded);

        using var key = KeystoreJson.Decrypt(json, "foo").Value;

        Assert.Equal(expected.Address, key.Address);
    }

    [Fact]
    public void A_written_keystore_has_the_fields_that_other_wallets_read()
    {
        using var key = PrivateKey.Create(new FixedRandomness(1));
        var json = JsonDocument.Parse(KeystoreJson.Encrypt(key, "pass", Cheap, new FixedRandomness(2))).RootElement;

        Assert.Equal(3, json.GetProperty("version").GetInt32());
        Assert.Equal(key.Address, Address.Parse(json.GetProperty("address").GetString()!));
        Assert.Equal('4', json.GetProperty("id").GetString()![14]);
        Assert.Equal("scrypt", json.GetProperty("crypto").GetProperty("kdf").GetString());
        using var opened = KeystoreJson.Decrypt(Encoding.UTF8.GetBytes(json.GetRawText()), "pass").Value;
        Assert.Equal(key.Address, opened.Address);
    }

    [Theory]
    [InlineData("n", 1 << 30)]
    [InlineData("n", 3)]
    [InlineData("r", 100_000)]
    [InlineData("p", 0)]
    [InlineData("dklen", 64)]
    public void Parameters_that_would_take_the_machine_down_or_mean_nothing_are_refused(string name, int value)
    {
        using var key = PrivateKey.Create(new FixedRandomness(1));
        var json = JsonNode.Parse(KeystoreJson.Encrypt(key, "pass", Cheap, new FixedRandomness(2)))!;
        json["crypto"]!["kdfparams"]![name] = value;

        var opened = KeystoreJson.Decrypt(Encoding.UTF8.GetBytes(json.ToJsonString()), "pass");

        Assert.Equal("keystore_unreadable", opened.Refusal?.Code);
    }

    [Fact]
    public void Mutated_keystores_are_refused_and_never_throw()
    {
        using var key = PrivateKey.Create(new FixedRandomness(1));
        var good = Encoding.UTF8.GetBytes(KeystoreJson.Encrypt(key, "pass", Cheap, new FixedRandomness(2)));
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte).Sample(
            (place, value) =>
            {
                var bytes = good.ToArray();
                bytes[place] = value;
                var opened = KeystoreJson.Decrypt(bytes, "pass");
                // What is outside of the encrypted part, such as id and address, may change freely.
                Assert.True(!opened.IsOk || opened.Value.Address == key.Address);
            },
            iter: 3_000);
    }

    [Fact]
    public void A_file_is_for_its_owner_only_and_never_overwritten()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("File modes are Unix's.");
            return;
        }

        var folder = Directory.CreateTempSubdirectory("souk-keystore-");
        try
        {
            var path = Path.Combine(folder.FullName, "key.json");
            using var key = PrivateKey.Create(new FixedRandomness(1));
            using var other = PrivateKey.Create(new FixedRandomness(3));
            KeystoreFile.Create(path, key, "pass", Cheap, new FixedRandomness(2));

            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            Assert.Throws<IOException>(() =>
                KeystoreFile.Create(path, other, "pass", Cheap, new FixedRandomness(4)));
            Assert.Equal([path], Directory.GetFiles(folder.FullName));
            using var opened = KeystoreFile.Open(path, "pass").Value;
            Assert.Equal(key.Address, opened.Address);

            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
            Assert.Equal("keystore_exposed", KeystoreFile.Open(path, "pass").Refusal?.Code);
            Assert.Equal("keystore_unreadable", KeystoreFile.Open(path + "x", "pass").Refusal?.Code);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
