"""Values are not pickled: a pickle is a copy on disk that nobody asked for."""

from __future__ import annotations

import copy
import copyreg
import io
import marshal
import multiprocessing.reduction
import pickle
import shelve

import pytest

from tacenda import Secret, SecretBundle, SecretBytes, reveal
from tacenda._values import wrap
from tacenda.errors import SecretLeak

VALUE = "example-token-1"
VALUES = [Secret(VALUE), SecretBytes(VALUE.encode()), SecretBundle({"k": VALUE}), wrap([VALUE])]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_pickling_is_refused(value, protocol):
    """Every protocol refuses, and the error names the way out without the value."""
    with pytest.raises(SecretLeak, match=r"tacenda\.reveal") as caught:
        pickle.dumps(value, protocol)
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_pickling_is_refused_inside_other_objects(value):
    """An artifact that holds a secret somewhere inside is refused as well."""
    with pytest.raises(SecretLeak):
        pickle.dumps({"results": [1, (value,)]})


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_pickling_in_pure_python_is_refused(value):
    """The Python pickler, which cloudpickle and dill build on, refuses too."""
    with pytest.raises(SecretLeak):
        pickle._Pickler(io.BytesIO()).dump(value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_pickler_with_hooks_of_its_own_is_refused(value):
    """A pickler that overrides reducers, as cloudpickle does, ends at the same refusal."""

    class Hooked(pickle.Pickler):
        dispatch_table = copyreg.dispatch_table.copy()

        def reducer_override(self, obj):
            return NotImplemented

    with pytest.raises(SecretLeak):
        Hooked(io.BytesIO()).dump(value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_other_processes_get_no_value(value):
    """`multiprocessing` and `shelve` pickle as well."""
    with pytest.raises(SecretLeak):
        multiprocessing.reduction.ForkingPickler.dumps(value)


def test_a_shelf_on_disk_gets_no_value(workplace):
    """Nothing is left in the file after the refusal."""
    with shelve.open(str(workplace / "shelf")) as shelf, pytest.raises(SecretLeak):
        shelf["x"] = Secret(VALUE)
    assert not any(VALUE.encode() in path.read_bytes() for path in workplace.iterdir())


@pytest.mark.parametrize("value", VALUES[2:], ids=repr)
def test_marshal_gets_no_value(value):
    """`marshal` takes exact types only."""
    with pytest.raises(ValueError, match="unmarshallable"):
        marshal.dumps(value)


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_copy_is_the_same_object(value, copying):
    """Copying works, without a second copy of the value in memory."""
    assert copying(value) is value
    assert copying([value])[0] is value


def test_what_was_revealed_can_be_pickled():
    """Who says `reveal` has decided it."""
    value = reveal(SecretBundle({"k": VALUE, "n": [1, {"m": b"x"}]}))
    assert pickle.loads(pickle.dumps(value)) == {"k": VALUE, "n": [1, {"m": b"x"}]}
