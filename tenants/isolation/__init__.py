"""What isolation promises, as data, and what has been shown of it.

catalogue  81 properties: the attack, what is expected, what stands in its way, which controls it is evidence for
evidence   what a run of one attack wrote down: database, seed, examples, and whether its planted fault was caught
inspect    both joined: a status for every property on every database, never green by default
pack       evidence with a Merkle root over it and a signature, to be handed on
channels   what one tenant can still learn of another, with its bound
"""
