"""
The HTTP shell: everything that a request passes before it reaches a domain.

`authentication` turns a key into a user, `parsers` reads JSON strictly, `serializers`
has the base class and the fields for quantities, money, texts and months,
`pagination` makes keyset pages, `filtering` refuses unknown query parameters,
`throttles` counts requests, `problems` turns every refusal into problem+json, and
`middleware` gives each request its id.
"""
