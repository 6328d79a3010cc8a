"""What every service does, on every backend: subclass `ServicesContract` and give it a `stores` fixture."""

from .accounts_suite import AccountsContract
from .core_services_suite import CoreServicesContract
from .records_suite import RecordsContract


class ServicesContract(AccountsContract, CoreServicesContract, RecordsContract):
    """The use cases, as their callers see them."""
