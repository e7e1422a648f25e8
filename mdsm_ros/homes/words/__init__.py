"""The words of the homes' instructions around the description of an object. Tables only."""
