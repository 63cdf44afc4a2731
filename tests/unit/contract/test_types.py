import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.contract.types import Kind, ValueType


@settings(deadline=None)
@given(precision=st.integers(1, 38), data=st.data())
def test_decimal_is_read_back_from_its_own_spelling(precision, data):
    scale = data.draw(st.integers(0, precision))
    value_type = ValueType.parse(f" Decimal( {precision} , {scale} ) ")
    assert value_type == ValueType(Kind.DECIMAL, precision, scale)
    assert ValueType.parse(str(value_type)) == value_type
    assert value_type.sql_name == f"numeric({precision},{scale})"


@pytest.mark.parametrize("text", ["decimal", "decimal(0,0)", "decimal(39,2)", "decimal(5,6)", "money", "", "text(3)"])
def test_text_that_is_no_type_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a type|precision must be"):
        ValueType.parse(text)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != Kind.DECIMAL])
def test_every_other_type_is_its_own_word(kind):
    assert str(ValueType.parse(kind.value.upper())) == kind.value
    assert ValueType.parse(kind.value).sql_name
