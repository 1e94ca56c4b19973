"""An implementation of the Souk protocol that shares nothing with the C# one: plain Python, standard library only."""
