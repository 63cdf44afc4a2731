from trade_ingest.contract.suggestion import did_you_mean, near_misses


def test_near_miss_is_suggested_whatever_its_case():
    assert did_you_mean("Delimeter", ["delimiter", "decimal_mark", "quote"]) == "did you mean `delimiter`?"


def test_nothing_is_suggested_for_a_word_that_resembles_nothing():
    assert did_you_mean("xyz", ["delimiter", "quote"]) == ""


def test_closest_of_several_comes_first_and_no_more_than_three():
    assert near_misses("price", ["prices", "price_1", "priced", "prize", "volume"])[0] in {"prices", "priced"}
    assert len(near_misses("price", ["prices", "price_1", "priced", "prize", "volume"])) == 3
