"""The ids of the core store: each a type of its own, so that one is never taken for another."""

from typing import NewType

from ..entities.ids import Id

UserId = NewType("UserId", Id)
OrganizationId = NewType("OrganizationId", Id)
ProjectId = NewType("ProjectId", Id)
TokenId = NewType("TokenId", Id)
SessionId = NewType("SessionId", Id)
CreditTransferId = NewType("CreditTransferId", Id)
