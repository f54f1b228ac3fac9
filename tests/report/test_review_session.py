"""A rater's session: each key means the scan on the screen, and nothing that was typed is lost."""

import pytest

import allbrains
from allbrains.report import open_site
from allbrains.report.review_server import serving
from allbrains.store.ratings import read
from tests.report.tiny import DONE, ODD, SCANS, make


@pytest.fixture
def root(tmp_path):
    return make(tmp_path / "corpus")


@pytest.fixture
def address(root):
    with serving(open_site(root, served=True)) as url:
        yield url


def saved(page, text=""):
    """Wait for the message that something was saved or undone."""
    page.wait_for_function(
        "t => document.querySelector('.said:not([hidden])')?.innerText.includes(t) ?? false",
        arg=text,
    )


def on_screen(page):
    """Return the subject's label of the scan that is shown."""
    page.wait_for_selector(".sheet img")
    return page.inner_text(".sheet .about").split("sub-")[1].split()[0]


def by_subject(root):
    """Return rating and note of each subject's scan in the file."""
    subjects = {one.scan_id: one.subject for one in SCANS}
    return {subjects[key]: (one.rating.value, one.note) for key, one in read(root).items()}


def press(page, keys):
    for key in keys:
        page.keyboard.press(key)


def test_a_session_by_keyboard(page, address, root):
    page.goto(f"{address}#/review")
    first = on_screen(page)
    assert first == SCANS[ODD].subject
    press(page, "n")
    page.keyboard.type("typed before <b>")
    page.keyboard.press("Enter")
    press(page, "r")  # goes on by itself
    page.wait_for_function("s => !document.querySelector('.about').innerText.includes('sub-' + s)", arg=first)
    second = on_screen(page)
    press(page, "d")
    third = on_screen(page)
    page.keyboard.press("ArrowLeft")
    assert on_screen(page) == second
    press(page, "n")
    page.keyboard.type("typed after")
    page.keyboard.press("Enter")
    saved(page, "typed after")
    assert by_subject(root) == {first: ("reject", "typed before <b>"), second: ("doubt", "typed after")}
    page.reload()
    page.wait_for_selector("button.reject[aria-pressed=true]")
    assert page.input_value("input[aria-label=Note]") == "typed before <b>"
    page.goto(f"{address}#/brains?rating=reject")
    page.wait_for_selector(".card")
    assert page.locator(".card").count() == 1
    assert len(allbrains.open(root, where="rating != 'reject'")) == DONE
    assert third not in by_subject(root)


def test_undo_takes_back_the_last_and_not_what_is_on_the_screen(page, address, root):
    page.goto(f"{address}#/review")
    first = on_screen(page)
    press(page, "a")
    second = on_screen(page)
    press(page, "r")
    saved(page, f"sub-{second}")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert on_screen(page) == first
    press(page, "u")
    saved(page, f"Undone: ds000011 sub-{second}")
    assert on_screen(page) == second
    assert by_subject(root) == {first: ("accept", "")}
    page.goto(f"{address}#/overview")  # another view, and the page read anew
    page.reload()
    page.wait_for_selector(".stat.done")
    press(page, "u")
    saved(page, f"Undone: ds000011 sub-{first}")
    assert by_subject(root) == {}
    press(page, "u")
    saved(page, "Nothing to undo")


def test_a_note_alone_and_one_that_is_left_are_kept(page, address, root):
    page.goto(f"{address}#/review")
    first = on_screen(page)
    press(page, "n")
    page.keyboard.type("look again")
    page.get_by_role("button", name="Next").click()
    saved(page, "only noted")
    second = on_screen(page)
    press(page, "n")
    page.keyboard.type("left in the middle")
    page.evaluate("location.hash = '#/overview'")
    saved(page, "left in the middle")
    assert by_subject(root) == {first: ("", "look again"), second: ("", "left in the middle")}
    assert len(allbrains.open(root, where="rating != 'reject'")) == DONE + 1


def test_the_keys_work_on_the_scans_own_page(page, address, root):
    scan = SCANS[0]
    page.goto(f"{address}#/scan/{scan.scan_id}?view=planes")
    page.wait_for_selector(".ratebar kbd")
    press(page, "d")
    saved(page, "doubt")
    press(page, "n")
    page.keyboard.type("ringing")
    page.keyboard.press("Enter")
    saved(page, "ringing")
    assert by_subject(root) == {scan.subject: ("doubt", "ringing")}
    page.keyboard.press("ArrowRight")
    page.wait_for_function("id => !location.hash.includes(id)", arg=scan.scan_id)
    press(page, "uu")
    saved(page, "no rating")
    assert by_subject(root) == {}


def test_two_windows_do_not_write_over_each_other(page, address, root):
    page.goto(f"{address}#/review")
    first = on_screen(page)
    other = page.context.new_page()
    other.goto(f"{address}#/review")
    assert on_screen(other) == first
    press(page, "a")
    saved(page, "accept")
    page.attacked = True  # the browser tells of the answer 409
    press(other, "r")
    saved(other, "another window rated this scan meanwhile: the file says accept")
    assert by_subject(root) == {first: ("accept", "")}
    other.keyboard.press("ArrowLeft")
    other.wait_for_selector("button.accept[aria-pressed=true]")  # it shows what the file says
    press(other, "r")
    saved(other, "reject")
    assert by_subject(root) == {first: ("reject", "")}


def test_ratings_go_out_as_a_file_and_in_again(page, address, root, tmp_path):
    page.goto(f"{address}#/review")
    first = on_screen(page)
    press(page, "r")
    saved(page, "reject")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download ratings (1)").click()
    text = (tmp_path / "out.tsv").write_bytes(download.value.path().read_bytes())
    assert text
    press(page, "u")
    saved(page, "Undone")
    assert by_subject(root) == {}
    page.set_input_files("input[type=file]", tmp_path / "out.tsv")
    saved(page, "1 rows read: 1 new")
    page.reload()
    page.wait_for_selector("button.reject[aria-pressed=true]")
    assert by_subject(root) == {first: ("reject", "")}
