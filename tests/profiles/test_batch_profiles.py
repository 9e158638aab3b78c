"""Set-up times from measured latencies: fits, the file they are read from, and their picture."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from support.pictures import assert_readable, texts

import j3o_jax as j3o
from j3o_jax.plots import plot_batch_profiles

SIZES = np.array([1, 2, 4, 8, 16, 32, 64, 128])
SETUP, PER_QUERY = 0.0065, 0.0022


def noisy(seed, noise=0.05):
    """A known line with relative errors."""
    errors = np.random.default_rng(seed).uniform(-noise, noise, SIZES.size)
    return (SETUP + PER_QUERY * SIZES) * (1.0 + errors)


def normal_equations(sizes, times, weight):
    """Weighted least squares without limits, from the normal equations written out."""
    w = weight**2
    total, first, second = np.sum(w), np.sum(w * sizes), np.sum(w * sizes**2)
    right, right_first = np.sum(w * times), np.sum(w * sizes * times)
    determinant = total * second - first**2
    return (
        (second * right - first * right_first) / determinant,
        (total * right_first - first * right) / determinant,
    )


@pytest.mark.parametrize("weighting", ["relative", "ordinary"])
@pytest.mark.parametrize(("setup", "per_query"), [(0.0065, 0.0022), (1e-7, 3e-6), (40.0, 0.5), (0.0, 0.01), (0.2, 0.0)])
def test_a_line_without_noise_is_found(weighting, setup, per_query):
    profile = j3o.fit_batch_profile(SIZES, setup + per_query * SIZES, weighting=weighting)
    scale = setup + per_query
    assert profile.setup == pytest.approx(setup, rel=1e-9, abs=1e-9 * scale)
    assert profile.per_query == pytest.approx(per_query, rel=1e-9, abs=1e-9 * scale)
    np.testing.assert_allclose(profile.residuals, 0.0, atol=1e-9 * scale * SIZES.max())
    assert profile.largest_relative_residual < 1e-8


@pytest.mark.parametrize("seed", range(5))
def test_both_weightings_are_the_least_squares_of_numpy(seed):
    times = noisy(seed)
    for weighting, weight in (("relative", 1.0 / times), ("ordinary", np.ones(SIZES.size))):
        profile = j3o.fit_batch_profile(SIZES, times, weighting=weighting)
        setup, per_query = normal_equations(SIZES, times, weight)
        assert min(setup, per_query) > 0
        assert (profile.setup, profile.per_query) == pytest.approx((setup, per_query), rel=1e-8)
        np.testing.assert_allclose(profile.residuals, times - setup - per_query * SIZES, atol=1e-9)


def test_the_relative_fit_is_nearer_to_small_batches():
    """Errors grow with latency, as they do in measurements; then ν is what the relative fit is better at."""
    errors = {"relative": 0.0, "ordinary": 0.0}
    for seed, weighting in itertools.product(range(20), errors):
        profile = j3o.fit_batch_profile(SIZES, noisy(seed), weighting=weighting)
        errors[weighting] += abs(profile.setup - SETUP)
    assert errors["relative"] < 0.5 * errors["ordinary"]
    assert j3o.fit_batch_profile(SIZES, noisy(0)).weighting == "relative"


def test_published_latencies():
    """ResNet-50 v1.5 on a T4, fp32, from NVIDIA's DeepLearningExamples; fitted elsewhere, to four digits."""
    sizes = 2.0 ** np.arange(9)
    times = [0.01070, 0.01126, 0.01273, 0.02241, 0.03977, 0.07762, 0.15273, 0.30926, 0.63598]
    relative, ordinary = (j3o.fit_batch_profile(sizes, times, weighting=name) for name in ("relative", "ordinary"))
    assert (relative.setup, relative.per_query) == pytest.approx((6.5224e-3, 2.20031e-3), rel=2e-5)
    assert (ordinary.setup, ordinary.per_query) == pytest.approx((1.9807e-3, 2.45525e-3), rel=2e-5)
    assert relative.largest_relative_residual == pytest.approx(0.2037, abs=5e-5)
    assert ordinary.r_squared == pytest.approx(0.99946, abs=5e-6)


def test_neither_part_is_negative():
    """Where a free line would have ν < 0 or τ < 0, the other is the best one through the limit."""
    growing = np.array([0.5, 2.5, 6.0])
    profile = j3o.fit_batch_profile([1, 2, 4], growing, weighting="ordinary")
    assert normal_equations(np.array([1.0, 2.0, 4.0]), growing, np.ones(3))[0] < 0
    assert profile.setup == 0.0
    assert profile.per_query == pytest.approx(np.sum([0.5, 5.0, 24.0]) / 21)
    assert profile.setup_ratio == 0.0
    falling = j3o.fit_batch_profile([1, 2, 4], [3.0, 2.0, 1.0], weighting="ordinary")
    assert (falling.setup, falling.per_query) == (pytest.approx(2.0), 0.0)
    assert falling.setup_ratio == float("inf")
    with pytest.raises(ValueError, match="per_query = 0: latency does not grow"):
        falling.compute_capacity(1.0)


def test_what_a_profile_says_of_itself():
    times = noisy(3)
    profile = j3o.fit_batch_profile(SIZES, times)
    np.testing.assert_allclose(profile.latency_at(SIZES) + profile.residuals, times)
    assert profile.largest_relative_residual == pytest.approx(np.max(np.abs(profile.residuals) / times))
    assert profile.r_squared == pytest.approx(1 - np.sum(profile.residuals**2) / np.sum((times - times.mean()) ** 2))
    assert profile.setup_ratio == pytest.approx(profile.setup / profile.per_query)
    assert profile.compute_capacity(9.17) * profile.per_query == pytest.approx(9.17)
    assert np.isnan(j3o.fit_batch_profile([1, 2], [0.5, 0.5]).r_squared)
    with pytest.raises(ValueError, match=r"model_compute = 0\.0: must be a positive number"):
        profile.compute_capacity(0.0)


def test_a_profile_goes_into_a_scenario():
    """With its β and ν a batch takes, by the constraint (28), what was measured."""
    profile = j3o.fit_batch_profile(SIZES, SETUP + PER_QUERY * SIZES)
    scenario = j3o.benchmarks.motivating().sample(
        0, setup=profile.setup, edge_compute=[profile.compute_capacity(1.5)], batching_window=0.1
    )
    per_query = scenario.edge_model_compute[0] / scenario.edge_compute[0]
    assert scenario.batching.setup[0, 0] + per_query * 32 == pytest.approx(profile.latency_at(32))


@pytest.mark.parametrize(
    ("sizes", "times", "message"),
    [
        ([8, 8, 8], [0.1, 0.2, 0.3], "batch_size: has only size 8: a line needs two sizes that differ"),
        ([4], [0.1], "batch_size: has only size 4"),
        ([], [], "batch_size: "),
        ([1, 0.5], [0.1, 0.2], r"batch_size\[1\] = 0\.5: must be at least 1"),
        ([1, 0, 2], [0.1, 0.2, 0.3], r"batch_size\[1\] = 0: must be a finite number above 0"),
        ([1, 2, np.inf], [0.1, 0.2, 0.3], r"batch_size\[2\] = inf"),
        ([1, 2], [0.1, np.nan], r"latency\[1\] = nan: must be a finite number above 0"),
        ([1, 2], [-0.1, 0.2], r"latency\[0\] = -0\.1"),
        ([1, 2, 3], [0.1, 0.2], "latency: has 2 entries, and batch_size has 3"),
        ([[1, 2]], [0.1, 0.2], r"batch_size: has shape \[1, 2\]"),
        (["1", "2"], [0.1, 0.2], "batch_size: has shape .* must be a list of numbers"),
        ([1, 2], [True, False], "latency: .* must be a list of numbers"),
    ],
)
def test_bad_measurements_are_named(sizes, times, message):
    with pytest.raises(ValueError, match=message):
        j3o.fit_batch_profile(sizes, times)


def test_an_unknown_weighting_is_named():
    with pytest.raises(Exception, match="weighting"):
        j3o.fit_batch_profile(SIZES, noisy(0), weighting="robust")


def test_the_package_loads_without_the_fit():
    code = (
        "import sys, j3o_jax; j3o_jax.solve; j3o_jax.fit_batch_profile; "
        "print([name for name in sys.modules if name.startswith('scipy.optimize') or name.startswith('matplotlib')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Files


def written(tmp_path, text):
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode("utf-8"))
    return path


def test_rows_are_read_by_model(tmp_path):
    text = (
        "\ufeffmodel, latency_s ,batch_size,device\r\nunet,0.012,1,A100\r\nssd,0.067,1,T4\r\n\r\nunet,0.019,2,A100\r\n"
    )
    rows = j3o.read_latency_rows(written(tmp_path, text))
    assert list(rows) == ["unet", "ssd"]
    np.testing.assert_array_equal(rows["unet"].batch_size, [1.0, 2.0])
    np.testing.assert_array_equal(rows["unet"].latency, [0.012, 0.019])
    np.testing.assert_array_equal(rows["ssd"].latency, [0.067])
    (name,) = j3o.read_latency_rows(str(written(tmp_path, "batch_size,latency_s\n1,0.1\n")))
    assert name == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rows.csv:1: batch_size is not among the columns"),
        ("batch_size,latency\n1,2\n", "rows.csv:1: latency_s is not among the columns"),
        ("batch_size,batch_size,latency_s\n1,1,2\n", "rows.csv:1: batch_size is there twice"),
        ("batch_size,latency_s\n", "rows.csv: has no rows"),
        ("batch_size,latency_s\n1,0.1\n2\n", "rows.csv:3: has 1 cells: write 2"),
        ("batch_size,latency_s\n1,0.1\n2,fast\n", "rows.csv:3: latency_s = 'fast': write a number of seconds above 0"),
        ("batch_size,latency_s\n0,0.1\n", "rows.csv:2: batch_size = '0': write a number from 1 on"),
        ("batch_size,latency_s\n1,nan\n", "rows.csv:2: latency_s = 'nan'"),
        ("batch_size,latency_s\n1,0\n", "rows.csv:2: latency_s = '0'"),
        ('batch_size,latency_s\n"1,0.1\n', "rows.csv: is not a CSV file"),
    ],
)
def test_a_bad_file_is_told_by_line_and_column(tmp_path, text, message):
    with pytest.raises(j3o.FileError) as caught:
        j3o.read_latency_rows(written(tmp_path, text))
    assert message in str(caught.value)


def test_what_is_no_text_file_is_told(tmp_path):
    with pytest.raises(j3o.FileError, match="cannot be read"):
        j3o.read_latency_rows(tmp_path / "nothing.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(j3o.FileError, match="is not UTF-8 text"):
        j3o.read_latency_rows(tmp_path / "binary.csv")


# Pictures


@pytest.mark.parametrize("models", [1, 2, 10])
def test_a_picture_shows_measurements_line_and_errors(models):
    profiles = {f"a model with a long name {i}": j3o.fit_batch_profile(SIZES, noisy(i)) for i in range(models)}
    figure = plot_batch_profiles(profiles)
    assert_readable(figure)
    measured, residual, _ = figure.axes
    lines = measured.get_lines()
    assert len(lines) == 2 * models
    first = next(iter(profiles.values()))
    np.testing.assert_allclose(lines[0].get_ydata(), 1e3 * first.latency_at(lines[0].get_xdata()))
    assert (lines[0].get_xdata()[0], lines[0].get_xdata()[-1]) == pytest.approx((1, 128))
    np.testing.assert_allclose(lines[1].get_ydata(), 1e3 * first.latency)
    np.testing.assert_allclose(residual.get_lines()[0].get_ydata(), 100 * first.residuals / first.latency)
    assert any(f"ν = {1e3 * first.setup:.3g} ms" in text for text, _ in texts(figure))
    assert (measured.get_xscale(), measured.get_yscale(), residual.get_yscale()) == ("log", "log", "linear")
    for axes in (measured, residual):
        low, high = axes.get_ylim()
        for line in axes.get_lines():
            values = np.asarray(line.get_ydata())
            assert ((values >= low) & (values <= high)).all()


def test_a_perfect_fit_can_be_drawn_and_nothing_cannot():
    figure = plot_batch_profiles({"": j3o.fit_batch_profile([1, 2], [0.25, 0.5])})
    assert [axes.get_xscale() for axes in figure.axes[:2]] == ["linear"] * 2
    assert [axes.get_xlim()[0] for axes in figure.axes[:2]] == [0.0] * 2
    low, high = figure.axes[1].get_ylim()
    assert (low, high) == (-1.0, 1.0)
    with pytest.raises(ValueError, match="no profile to draw"):
        plot_batch_profiles({})
