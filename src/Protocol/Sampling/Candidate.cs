namespace Souk.Protocol;

/// <summary>A token that may be picked; sorts by score descending, then id ascending.</summary>
internal readonly record struct Candidate(double Score, int Id) : IComparable<Candidate>
{
    public int CompareTo(Candidate other)
    {
        if (Score != other.Score)
        {
            return Score > other.Score ? -1 : 1;
        }

        return Id.CompareTo(other.Id);
    }
}
