"""URLs as the API gives them, and as they are used."""

import pytest

from allbrains.sources.openneuro import API, BUCKET, Endpoints
from allbrains.sources.openneuro.addresses import urls_of
from allbrains.transfer import Client

KEY = "MD5E-s1--4608ffbd6b78ce3a325eb338fa556589.nii.gz"
PATH = "sub-01/anat/sub-01_T1w.nii.gz"
BARE = f"{BUCKET}/ds001371/{PATH}"
OBJECTS = f"https://openneuro.org/crn/datasets/ds001371/objects/{KEY}?filename=sub-01_T1w.nii.gz"
LOCAL = Endpoints(api="http://127.0.0.1:8000/crn/graphql", bucket="http://127.0.0.1:8000/openneuro.org")


def urls(*listed, path=PATH, endpoints=None):
    return urls_of(endpoints or Endpoints(), "ds001371", path, KEY, listed)


def test_the_listed_version_comes_first_then_the_bare_path_then_the_slow_route():
    assert urls(f"{BARE}?versionId=a.b") == (f"{BARE}?versionId=a.b", BARE, OBJECTS)


def test_the_slow_route_stays_last_where_the_api_lists_it_first():
    assert urls(OBJECTS) == (BARE, OBJECTS)
    assert urls() == urls(None) == (BARE, OBJECTS)


@pytest.mark.parametrize(
    "broken",
    [
        f"https://s3.amazonaws.com/ds001371/{PATH}?versionId=v",  # the dataset taken for the bucket
        f"http://openneuro.org.s3.amazonaws.com/ds001371/{PATH}?versionId=v",
        f"https://openneuro.org.s3.amazonaws.com/ds001371/{PATH}?versionId=v",
    ],
)
def test_broken_hosts_are_mended(broken):
    assert urls(broken)[0] == f"{BARE}?versionId=v"


def test_another_paths_url_is_kept():
    other = f"{BUCKET}/ds001371/sub-02/anat/sub-02_T1w.nii.gz?versionId=v"
    assert urls(other)[0] == other


def test_mending_works_at_any_endpoint():
    broken = f"http://127.0.0.1:8000/ds001371/{PATH}?versionId=v"
    assert urls(broken, endpoints=LOCAL)[0] == f"{LOCAL.bucket}/ds001371/{PATH}?versionId=v"


def test_odd_names_stay_inside_their_url():
    bare, objects = urls(path="sub-01/anat/a ?#%/../x.nii")
    assert bare == f"{BUCKET}/ds001371/sub-01/anat/a%20%3F%23%25/../x.nii"
    assert not Client().allows(bare)
    assert objects.endswith("?filename=x.nii")


def test_every_url_may_be_asked_and_no_other_place():
    for endpoints in (Endpoints(), LOCAL):
        client = Client(endpoints.network())
        assert all(client.allows(url) for url in urls(endpoints=endpoints))
        assert client.allows(endpoints.api)
        assert not client.allows("http://127.0.0.1:8001/crn/graphql")
    assert Endpoints().api == API
