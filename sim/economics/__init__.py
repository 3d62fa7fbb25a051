"""What idle capacity costs, earns and is worth: one small law per module, as functions of numbers and of a generator.

Floats, for the reader: no invoice is made from them. Money is in USD, rates and shares are plain fractions, and every
number comes from the caller, who knows its source.
"""
