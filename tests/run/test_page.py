"""The page of an executed notebook."""

from nbformat.v4 import new_code_cell, new_notebook

from bo_lib.run.page import render


def test_the_parameters_stand_in_one_cell_as_they_were() -> None:
    defaults = new_code_cell('fund = "EURO-UCITS"\nknown_at = ""', metadata={"tags": ["parameters"]})
    injected = new_code_cell('# Parameters\nfund = "GLOBAL-BOND"\n', metadata={"tags": ["injected-parameters"]})
    page = render(new_notebook(cells=[defaults, injected]), "A run", '<header class="pass">pass</header>', "plotly.js")
    assert page.count("GLOBAL-BOND") == 1 and "EURO-UCITS" not in page and "known_at" in page
    assert page.index('<header class="pass">') < page.index("GLOBAL-BOND")
