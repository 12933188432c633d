"""Does a series of samples grow? For the soak run; no I/O.

A process that leaks grows for as long as it runs. A process that does not is still far from a
straight line: it warms up, it takes memory in steps and gives some of it back, and a sample falls
into the middle of either. So growth is only what shows in two ways at once:

- the slope through all samples, found by Theil and Sen's median of the slopes of all pairs, which up
  to 29 % of outliers cannot move far, projected over the time that was watched, and
- the median of the last fifth of the samples above that of the middle fifth: what warms up has
  stopped by then, what leaks has not.
"""
import statistics

PAIRS_POINTS = 200  # more samples are thinned out: 200 points have 20,000 pairs


def thinned(points, most=PAIRS_POINTS):
    """At most `most` points: each the median of a run of neighbours."""
    if len(points) <= most:
        return list(points)
    result = []
    for i in range(most):
        run = points[i * len(points) // most:(i + 1) * len(points) // most]
        result.append((statistics.median(t for t, _ in run), statistics.median(v for _, v in run)))
    return result


def floors(points, run):
    """The least of each run of `run` neighbours: what is there even when nothing is going on."""
    return [min(points[i:i + run], key=lambda point: point[1])
            for i in range(0, len(points) - run + 1, run)]


def slope(points):
    """Theil-Sen slope of (seconds, value) pairs, in value per second."""
    points = thinned(points)
    slopes = [(v2 - v1) / (t2 - t1) for i, (t1, v1) in enumerate(points)
              for t2, v2 in points[i + 1:] if t2 > t1]
    if not slopes:
        raise ValueError("a slope needs samples of two instants")
    return statistics.median(slopes)


def fifth(points, which):
    """The median of the values in one fifth of the time that was watched, 0 the first."""
    begin, end = points[0][0], points[-1][0]
    low = begin + (end - begin) * which / 5
    high = begin + (end - begin) * (which + 1) / 5
    values = [v for t, v in points if low <= t <= high]
    if not values:
        raise ValueError("no sample in a fifth of the time")
    return statistics.median(values)


class Trend:
    """What samples say. `per_hour`: the slope; `fitted`: the slope over the time watched; `late`: the
    last fifth above the middle one."""

    def __init__(self, points):
        if len(points) < 10:
            raise ValueError(f"{len(points)} samples are too few to see a trend")
        self.seconds = points[-1][0] - points[0][0]
        each = slope(points)
        self.per_hour = each * 3600
        self.fitted = each * self.seconds
        self.late = fifth(points, 4) - fifth(points, 2)
        self.least = min(v for _, v in points)
        self.most = max(v for _, v in points)

    def grows(self, per_hour, floor):
        """True when the growth is steeper than `per_hour` and larger than the noise `floor`. The last
        fifth is two fifths of the time behind the middle one, so a steady leak shows there by 0.4 of
        what it is over all; half of that must be seen."""
        return self.per_hour > per_hour and self.fitted > floor and self.late > 0.2 * floor
