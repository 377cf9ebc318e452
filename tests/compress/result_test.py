"""What results of compression have in common."""

import dataclasses

import keras
import pytest
from keras import layers

from tfprune.compress import result


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Counted(result.Compressed):
    count: int

    def lines(self):
        return ["count", str(self.count)]


class Mine(keras.Model):
    pass


class Other(keras.Sequential):
    pass


def ends():
    x = keras.Input((2,))
    return x, layers.Dense(2)(x)


def test_a_result_prints_as_its_table():
    model = keras.Model(*ends())
    assert str(Counted(model=model, count=3)) == "count\n3"


def test_it_says_what_became_of_a_class():
    given, made = Mine(*ends()), keras.Model(*ends())
    note = result.class_change(given, made)
    assert note == "Mine (a subclass of Functional) comes back as a Functional"
    found = Counted(model=made, count=3, class_change=note)
    assert str(found).splitlines() == ["count", "3", note]


def test_an_equal_class_is_no_news():
    assert result.class_change(Mine(*ends()), Mine(*ends())) == ""
    given = Other([keras.Input((2,)), layers.Dense(2)])
    assert result.class_change(given, given) == ""


def test_fields_have_names_and_are_not_unpacked():
    with pytest.raises(TypeError):
        Counted(keras.Model(*ends()), 3)
    with pytest.raises(TypeError):
        _, _ = Counted(model=keras.Model(*ends()), count=3)
