"""Clusters of sessions in time, and how much the means of clusters vary."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, harmonic_mean, median, variance
from typing import NamedTuple

__all__ = (
    "LONGEST_S",
    "Cluster",
    "Session",
    "Variation",
    "cluster_mean",
    "cluster_sessions",
    "variation",
)

# Sessions of half a day share what a machine is like that day: host, neighbours, heat.
LONGEST_S = 12 * 3_600.0
# The variance of a median of many normal values, as a multiple of that of their mean.
_OF_MEDIAN = math.pi / 2.0


class Session(NamedTuple):
    """One case in one session: when it started, in seconds, and one number for each agent."""

    started_s: float
    values: tuple[float, ...]


# Sessions that share a time, and so a mood of the machine.
Cluster = tuple[Session, ...]


def cluster_sessions(sessions: Iterable[Session], width_s: float) -> tuple[Cluster, ...]:
    """
    Return sessions in clusters that are shorter than a width, in order of time.

    Args:
        sessions: In any order.
        width_s: What starts so long after the first session of a cluster begins the next.
    """
    clusters: list[list[Session]] = []
    for session in sorted(sessions):
        if clusters and session.started_s - clusters[-1][0].started_s < width_s:
            clusters[-1].append(session)
        else:
            clusters.append([session])
    return tuple(map(tuple, clusters))


def _medians(cluster: Cluster) -> list[float]:
    return [median(session.values) for session in cluster]


def cluster_mean(cluster: Cluster) -> float:
    """Return the mean over sessions of each session's median agent."""
    return fmean(_medians(cluster))


class Variation(NamedTuple):
    """
    How much the means of clusters of the same thing vary.

    Args:
        of_means: The variance of a cluster's mean.
        freedom: With how many degrees of freedom it was estimated.
        of_sessions: The variance of session medians inside a cluster.
        sessions: How many of them a cluster had (the harmonic mean).
        of_agents: The variance of agents inside a session.
        agents: How many of them a session had (the harmonic mean).
    """

    of_means: float
    freedom: int
    of_sessions: float
    sessions: float
    of_agents: float
    agents: float

    def of_mean(self, cluster: Cluster) -> float:
        """Return the variance of the mean of a cluster: of a smaller one more, never less."""
        count = len(cluster)
        agents = harmonic_mean([len(session.values) for session in cluster])
        fewer_sessions = self.of_sessions * (1.0 / count - 1.0 / self.sessions)
        fewer_agents = _OF_MEDIAN * self.of_agents * (1.0 / agents - 1.0 / self.agents) / count
        return self.of_means + max(0.0, fewer_sessions) + max(0.0, fewer_agents)


def _pooled_variance(groups: Iterable[Sequence[float]]) -> tuple[float, int]:
    """Return the variance inside of groups, and its degrees of freedom."""
    several = [group for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in several)
    squares = sum(variance(group) * (len(group) - 1) for group in several)
    return (squares / freedom if freedom else 0.0), freedom


def variation(groups: Sequence[Sequence[Cluster]]) -> Variation | None:
    """
    Return how much cluster means vary around the means of their groups.

    The cluster is the unit: what its sessions and their agents do is part of
    how its mean varies, and no number of them gives more degrees of freedom.

    Args:
        groups: Groups of clusters of the same thing.

    Returns:
        None where no group has two clusters.
    """
    several = [clusters for clusters in groups if len(clusters) > 1]
    of_means, freedom = _pooled_variance(
        [[cluster_mean(cluster) for cluster in clusters] for clusters in several]
    )
    if not freedom:
        return None
    clusters = [cluster for group in several for cluster in group]
    sessions = [session for cluster in clusters for session in cluster]
    return Variation(
        of_means,
        freedom,
        _pooled_variance([_medians(cluster) for cluster in clusters])[0],
        harmonic_mean([len(cluster) for cluster in clusters]),
        _pooled_variance([session.values for session in sessions])[0],
        harmonic_mean([len(session.values) for session in sessions]),
    )
