"""Diarization error rate, by 10 ms frames, with the best one-to-one mapping of speakers."""
import numpy as np

STEP = 0.01


def frames(turns, speakers, length):
    active = np.zeros((speakers, length), bool)
    for start, end, speaker in turns:
        active[speaker, round(start / STEP) : round(end / STEP)] = True
    return active


def best_mapping(overlap):
    """The assignment of rows to columns with the largest sum, by dynamic programming over sets of the shorter side."""
    rows, columns = overlap.shape
    if rows < columns:
        return [(r, c) for c, r in best_mapping(overlap.T)]
    best = {0: (0, [])}
    for row in range(rows):
        step = dict(best)
        for used, (total, pairs) in best.items():
            for column in range(columns):
                key = used | 1 << column
                if key != used and (key not in step or total + overlap[row, column] > step[key][0]):
                    step[key] = (total + overlap[row, column], pairs + [(row, column)])
        best = step
    return max(best.values(), key=lambda item: item[0])[1]


def errors(truth, found, collar=0.0):
    """Seconds of missed speech, false alarms, confusion and reference speech. Overlapped speech counts for each speaker;
    `collar` seconds on both sides of each boundary of the reference are not scored."""
    ends = [turn[1] for turn in truth] + [turn[1] for turn in found]
    length = round(max(ends, default=0) / STEP) + 2
    speakers = lambda turns: max((turn[2] for turn in turns), default=-1) + 1
    reference, system = frames(truth, speakers(truth), length), frames(found, speakers(found), length)
    scored = np.ones(length, bool)
    if collar:
        for start, end, _ in truth:
            for edge in (start, end):
                scored[max(0, round((edge - collar) / STEP)) : round((edge + collar) / STEP)] = False
    reference, system = reference[:, scored], system[:, scored]
    correct = np.zeros(reference.shape[1], int)
    if len(reference) and len(system):
        overlap = (reference[:, None, :] & system[None, :, :]).sum(axis=2)
        for r, s in best_mapping(overlap):
            correct += reference[r] & system[s]
    n_reference, n_system = reference.sum(axis=0), system.sum(axis=0)
    both = np.minimum(n_reference, n_system)
    seconds = lambda counts: float(counts.sum()) * STEP
    return (
        seconds(np.maximum(n_reference - n_system, 0)), seconds(np.maximum(n_system - n_reference, 0)),
        seconds(both - correct), seconds(n_reference))
