"""How a name is spelled in each orchestrator and backend, and what no spelling can hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacenda._naming import CONVENTIONS, collisions, env_name, refuse_collisions, spell
from tacenda.errors import Conflict, InvalidReference

LONG = "a" * 127

SPELLINGS = [
    # generic
    ("env", "my-api-key", None, "MY_API_KEY"),
    ("env", "api-keys", "API_KEY", "API_KEYS_API_KEY"),
    ("env", "ml/training.v2", None, "ML_TRAINING_V2"),
    ("env", "DB_PASSWORD", None, "DB_PASSWORD"),
    # flytekit 1.16: prefix + UPPER(group_key), hyphens and dots are kept
    ("flytekit", "my-group", "my.key", "_FSEC_MY-GROUP_MY.KEY"),
    ("flytekit", "token", None, "_FSEC_TOKEN"),
    ("flytekit_documented", "my_group", "my_key", "FLYTE_SECRETS_MY_GROUP_MY_KEY"),
    ("flytekit_file", "My_Group", "My_Key", "my_group/my_key"),
    # flyte 2: as_env_var, the Embedded injector, and the mount, which keeps case and knows no group
    ("flyte", "my-api-key", None, "MY_API_KEY"),
    ("flyte", "group", "key", "GROUP_KEY"),
    ("flyte_injected", "group", "my-key", "_UNION_MY_KEY"),
    ("flyte_injected", "my-key", None, "_UNION_MY_KEY"),
    ("flyte_file", "group", "My-Key", "My-Key"),
    # Metaflow: illegal characters become _, case stays, and the key alone is the variable
    ("metaflow", "db-credentials", "PASSWORD", "PASSWORD"),
    ("metaflow", "api-keys", "stripe-key.v2", "stripe_key_v2"),
    # ZenML 0.35 on AWS and Vault
    ("zenml", "zenml/component/6d2f", "db-creds", "zenml/component/6d2f/db-creds"),
    # backends
    ("vault", "ml/training", "x y", "ml/training/x y"),
    ("aws", "ml/training-secrets+x@1=2.3", None, "ml/training-secrets+x@1=2.3"),
    ("azure", "DB_PASSWORD", None, "DB-PASSWORD"),
    ("azure", LONG, None, LONG),
    ("gcp", "DB_PASSWORD-2", None, "DB_PASSWORD-2"),
    ("github", "api-key", None, "API_KEY"),
]

ILLEGAL = [
    ("env", "1key", None),
    ("env", "", None),
    ("env", "9", "9"),
    ("flyte", "my.key", None),
    ("flyte", "my/key", None),
    ("flyte", "1key", None),
    ("flyte", "key\n", None),
    ("flyte_injected", "a", "b.c"),
    ("flytekit_file", "..", "key"),
    ("flytekit_file", "group", "../../etc/passwd"),
    ("flytekit_file", "/etc", "passwd"),
    ("flyte_file", "group", "a/../b"),
    ("flyte_file", "group", "a\x00b"),
    ("metaflow", "x", "1key"),
    ("vault", "a//b", None),
    ("vault", "/a", None),
    ("vault", "a/", None),
    ("vault", "a\nb", None),
    ("aws", "a b", None),
    ("aws", "a" * 513, None),
    ("azure", "a/b", None),
    ("azure", "a" * 128, None),
    ("azure", "", None),
    ("gcp", "a/b", None),
    ("gcp", "a.b", None),
    ("gcp", "a" * 256, None),
    ("github", "github_token", None),
    ("github", "1a", None),
    ("zenml", "a b", None),
]


@pytest.mark.parametrize(("convention", "name", "key", "expected"), SPELLINGS)
def test_spellings(convention, name, key, expected):
    """Each convention spells as its system does (S2.7, S4.19, S4.31)."""
    assert spell(convention, name, key) == expected


@pytest.mark.parametrize(("convention", "name", "key"), ILLEGAL)
def test_illegal_names_are_refused_with_the_rule(convention, name, key):
    """What a system cannot hold is refused, in words that name the rule."""
    with pytest.raises(InvalidReference, match=re.escape(CONVENTIONS[convention].rule)):
        spell(convention, name, key)


def test_every_convention_is_shown():
    """The tables above leave no convention out."""
    assert {row[0] for row in SPELLINGS} == set(CONVENTIONS)


def test_env_name_is_the_generic_convention():
    """One function for the everyday case."""
    assert env_name("api-keys", "API_KEY") == spell("env", "api-keys", "API_KEY") == "API_KEYS_API_KEY"


def test_local_naming_equals_remote_naming():
    """The local name of flyte 2 is the platform's, without its prefix (checklist 23)."""
    assert spell("flyte_injected", "my-key") == "_UNION_" + spell("flyte", "my-key")


def test_collisions_lists_all_that_meet():
    """Names that one convention cannot tell apart are found, each group once."""
    names = ["my-key", "my_key", "MY.KEY", "other", "a-b", "a_b", "a-b"]
    assert collisions("env", names) == {"MY_KEY": ["my-key", "my_key", "MY.KEY"], "A_B": ["a-b", "a_b"]}


def test_azure_collisions():
    """`_` and `-` are one in Azure."""
    assert collisions("azure", ["db_password", "db-password"]) == {"db-password": ["db_password", "db-password"]}


def test_equal_names_do_not_collide_with_themselves():
    """A name declared twice is one name."""
    refuse_collisions("env", ["my-key", "my-key"])


def test_refusal_lists_every_pair_at_once():
    """One error names all pairs and what to do."""
    with pytest.raises(Conflict) as caught:
        refuse_collisions("env", ["a-b", "a_b", "c.d", "c-d", "fine"])
    text = str(caught.value)
    assert "'a-b' and 'a_b' are both A_B" in text
    assert "'c.d' and 'c-d' are both C_D" in text
    assert "fine" not in text
    assert caught.value.hint


NAMES = st.text(alphabet="abcXYZ019-_./ +@=äß\n\x00", min_size=1, max_size=20)


@given(st.sampled_from(sorted(CONVENTIONS)), NAMES, st.none() | NAMES)
def test_a_spelling_is_legal_or_refused(convention, name, key):
    """Whatever the name, the outcome is legal in that system or an InvalidReference."""
    try:
        spelled = spell(convention, name, key)
    except InvalidReference:
        return
    assert re.fullmatch(CONVENTIONS[convention].legal, spelled)


@given(st.sampled_from(sorted(CONVENTIONS)), st.lists(NAMES, max_size=6))
def test_either_names_stay_apart_or_a_collision_is_found(convention, names):
    """Two names never become one in silence: this is what makes a convention reversible or refused."""
    spelled = {}
    for name in names:
        try:
            spelled[name] = spell(convention, name)
        except InvalidReference:
            continue
    met = collisions(convention, spelled)
    apart = {name for name in spelled if not any(name in same for same in met.values())}
    assert len({spelled[name] for name in apart}) == len(apart)
    assert all(len({spelled[name] for name in same}) == 1 for same in met.values())


@given(st.sampled_from(["vault", "aws", "gcp", "flytekit", "flyte_file", "zenml"]), NAMES, NAMES)
def test_conventions_that_keep_case_and_signs(convention, one, other):
    """Backends other than Azure keep names as they are: different names have different spellings."""
    try:
        first, second = spell(convention, one), spell(convention, other)
    except InvalidReference:
        return
    if convention == "flytekit":
        one, other = one.upper(), other.upper()
    assert (first == second) == (one == other)


@given(st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True))
def test_generic_name_is_a_legal_shell_variable(name):
    """What we tell people to export can be exported."""
    assert re.fullmatch(r"[A-Z_][A-Z0-9_]*", env_name(name))
