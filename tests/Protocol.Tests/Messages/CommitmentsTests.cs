using System.Text.Json;

namespace Souk.Protocol.Tests.Messages;

public class CommitmentsTests
{
    private static readonly JsonElement File = Vectors.Read("protocol/commitments.json");
    private static readonly byte[] Salt = Convert.FromHexString(File.Text("salt"));

    [Fact]
    public void A_request_commits_to_its_exact_bytes()
    {
        var request = File.GetProperty("request");
        var body = Convert.FromHexString(request.Text("body_hex"));
        Assert.Equal(request.Word("commitment"), Commitments.Request(Salt, body));
    }

    [Fact]
    public void Prompts_commit_to_their_ids() => Assert.All(File.GetProperty("prompts").EnumerateArray(), row =>
        Assert.Equal(row.Word("commitment"), Commitments.Prompt(Salt, Vectors.Ids(row.GetProperty("ids")))));

    [Fact]
    public void Inputs_to_embed_commit_to_the_ids_of_each() =>
        Assert.All(File.GetProperty("inputs").EnumerateArray(), row => Assert.Equal(
            row.Word("commitment"),
            Commitments.Prompt(Salt, row.GetProperty("inputs").EnumerateArray().Select(Vectors.Ids).ToArray())));

    [Fact]
    public void Outputs_commit_to_the_ids_of_every_choice() =>
        Assert.All(File.GetProperty("outputs").EnumerateArray(), row =>
        {
            var choices = row.GetProperty("choices").EnumerateArray().Select(Vectors.Ids).ToArray();
            Assert.Equal(row.Word("commitment"), Commitments.Output(Salt, choices));
            Assert.Equal(row.Word("commitment"),
                Commitments.Output(Salt, choices.Select(ids => (IReadOnlyList<int>)[.. ids.ToList()]).ToList()));
            if (choices.Length == 1)
            {
                Assert.Equal(row.Word("commitment"), Commitments.Output(Salt, choices[0]));
            }
        });

    [Fact]
    public void What_is_committed_cannot_be_moved_between_choices() => Assert.NotEqual(
        Commitments.Output(Salt, [[1, 2], [3]]), Commitments.Output(Salt, [[1], [2, 3]]));

    [Fact]
    public void The_salt_is_16_bytes_and_ids_are_not_negative()
    {
        Assert.Throws<ArgumentException>(() => Commitments.Request(new byte[15], default));
        Assert.Throws<ArgumentOutOfRangeException>(() => Commitments.Prompt(Salt, [-1]));
    }
}
