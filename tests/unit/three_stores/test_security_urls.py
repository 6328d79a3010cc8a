"""Passwords in URLs: whatever is wrong with one, no error, cause, log or representation shows it."""

import logging
import traceback
import warnings
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sized import sized

from tristore import ConfigurationError, open_stores
from tristore.adapters.backend.urls import without_password
from tristore.three_stores import Settings, StoreSettings, Url

CANARY = "hunter2Zq9"
AROUND = st.text(st.sampled_from("/@:?#%&=;,[]. \n$a1"), max_size=4)
PLAIN = st.text(st.sampled_from("#%=;[]. \n$a"), max_size=4)
FORMS = [
    "mongodb://ada:{}@db/core",
    "mongodb://ada:{}@db:27017/core?w=1",
    "mongodb://ada:{}@db",
    "mongodb://ada:{}@",
    "mongodb://:{}@db/core",
    "mongodb://a/da:{}@db/core",
    "mongodb://a@da:{}@db/core",
    "mongodb://ada:{}@db:port/core",
    "mongodb://ada:{}@db/co$re",
    "mongodb://ada:{}@db/core?w=0",
    "mongodb://ada:{}@db/core?noSuchOption=1",
    "mongodb://ada:{}@db/core?authMechanism=NONE",
    "mongodb://ada:{}@db/core?maxPoolSize=many",
    "mongodb://ada:{}@db/core?tls=true&tlsInsecure=true&tlsAllowInvalidCertificates=true",
    "mongodb://ada:{}@a,b:1,[::1]/core?directConnection=true",
    "mongodb+srv://ada:{}@db:27017/core",
    "mongodb+srv://ada:{}@a,b/core",
    "mongo://ada:{}@db/core",
    "memory://ada:{}@db/core",
    "mongodb//ada:{}@db/core",
    "mongodb:/ada:{}@db/core",
    "mongodb:ada:{}@db/core",
    "ada:{}@db/core",
]
"""The last @ tells where the password ends, whatever it has in it."""

CUT_FORMS = [
    "mongodb://ada:{}",
    "mongodb://ada:{}/core",
    "mongodb://ada:{}?w=1",
    "mongodb://db/core?tlsCertificateKeyFilePassword={}",
    "mongodb://db/core?password={}&w=1",
    "mongodb://db/core?authMechanismProperties={}",
    "mongodb://db/core?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:{},X:1",
    "ada:{}",
]
"""Without a host or as an option: here the signs that end a host or an option end the password too."""


def everything(error: BaseException | None) -> str:
    """All that a log, a debugger or an error tracker could show of an error and of what led to it."""
    shown = ""
    while error is not None:
        shown += "".join(traceback.format_exception(error)) + f"{error!r} {error.args} {vars(error)}"
        error = error.__cause__ or error.__context__
    return shown


def meant(url: str) -> str:
    """What `open_stores` and the settings show of a URL, refused or not."""
    shown = repr(StoreSettings(url=Url(url))) + without_password(url)
    for attempt in (
        lambda: Settings.from_environment({"TRISTORE_CORE_URL": url}),
        lambda: Settings.from_environment({"TRISTORE_CORE_PREPARE": url}),
        lambda: open_stores(Settings(), core=url),
    ):
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                opened = attempt()
            shown += repr(opened) + " ".join(str(warning.message) for warning in told)
            if not isinstance(opened, Settings):
                shown += repr([opened.core, vars(opened.core)]) + opened.core.check(timeout=0.001).url
                opened.close()
        except ConfigurationError as error:
            shown += everything(error)
    return shown


@sized(7, soak=21, name="passwords_tried")
@pytest.mark.parametrize("form", [*FORMS, *CUT_FORMS])
def test_every_form_of_url(form: str, passwords_tried: int, caplog: pytest.LogCaptureFixture) -> None:
    """A password with characters that break a URL is shown by nothing, wherever in the URL it stands."""
    caplog.set_level(logging.DEBUG)
    passwords = [f"%{CANARY}", f"a\n{CANARY}", quote_plus(f"/{CANARY}@"), CANARY, f"{CANARY}#", f"[{CANARY}]"]
    if form in FORMS:
        breaking = [f"x/{CANARY}", f"{CANARY}@a", f"a?{CANARY}", f"27017/{CANARY}"]
        others = [f"{CANARY}/x", f"a@{CANARY}", f"a?password={CANARY}", f"://{CANARY}", f"{CANARY}:1", f"1,2:{CANARY}"]
        passwords = [*breaking, *passwords, *others, f"a&{CANARY}=1"]
    urls = [form.format(password) for password in passwords[:passwords_tried]]
    leaks = [url for url in urls if CANARY in meant(url)]

    assert [] == leaks
    assert CANARY not in caplog.text


@sized(30, soak=200)
def test_every_password(examples: int) -> None:
    """Whatever else the password has, the word in it is not shown."""

    @settings(max_examples=examples)
    @given(st.sampled_from(FORMS), AROUND, AROUND)
    @example("mongodb://ada:{}@db/core", "@", "?")
    @example("mongodb://ada:{}@db/core", "@", "?a=1&b")
    def law(form: str, before: str, after: str) -> None:
        assert CANARY not in meant(form.format(f"{before}{CANARY}{after}"))

    law()


@sized(30, soak=200)
def test_every_password_without_a_host(examples: int) -> None:
    """Where the host was forgotten, or in an option, no sign but those that end it lets the word be shown."""

    @settings(max_examples=examples)
    @given(st.sampled_from(CUT_FORMS), PLAIN, PLAIN)
    def law(form: str, before: str, after: str) -> None:
        assert CANARY not in meant(form.format(f"{before}{CANARY}{after}"))

    law()


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://db/core",
        "mongodb://db:27017,[::1]:27018,[::2]/core?replicaSet=rs0&w=majority",
        "mongodb+srv://cluster.example.org/core?tls=true&tlsCAFile=/etc/ca.pem",
        "memory://",
    ],
)
def test_a_url_without_secrets_is_shown_as_it_is(url: str) -> None:
    """Masking leaves hosts, ports and options alone."""
    assert url == without_password(url)
