"""The additive fuser: eight small functions, one per group of features, whose outputs are summed.

For the classes normal, fire, nuisance and fault, in this order,

    logits = bias + sum over groups of contribution_g,   prob = softmax(logits)
    contribution_g(x) = U_g x + V_g (relu(W_g x + b_g) - relu(b_g))

so an absent group (all features 0) contributes exactly 0, and the sums are the whole explanation.
`normal` is the reference: its contributions are 0. `fault` only counts the fault flags, all alike.

    score = P(fire) / (1 - P(fault)) = e^fire / (e^normal + e^fire + e^nuisance)

A broken sensor must not hide a fire, so `fault` is left out of the score.

Held to (projected after every step of the training):

* In smoke, fine dust, carbon monoxide and temperature every weight of a rising feature speaks for fire
  at least as much as for any other class: more smoke, dust, CO or heat can never lower the score.
* In the context the same for what two channels say together and for the camera.
* 0: VOC (there is no recording), both ratios (a rise of the second channel lowers them, so any weight
  would break the promise), hour of the day and expected people (the fires were put at random hours),
  opened doors (no recording).
"""

from dataclasses import dataclass

import numpy as np

CLASSES = ["normal", "fire", "nuisance", "fault"]
GROUPS = ["smoke", "pm25", "carbon_monoxide", "voc", "temperature", "humidity", "co2", "context"]
PER_GROUP = 10
HIDDEN = 3
LEARNED = 2  # fire, nuisance
DECIMALS = 5
FAULT = 9  # place of the fault flag in a channel
CHANNELS = range(7)
CONTEXT = 7
UNTRAINED = [3]  # voc
# level_z, fast_z, slope_1m, slope_5m, rise, cusum, hour_z
RISING = {group: [0, 1, 2, 3, 4, 5, 6] for group in (0, 1, 2, 4)}
RISING[CONTEXT] = [3, 4, 9]  # smoke_and_co, smoke_and_heat, camera_fire
# absolute_humidity, smoke_and_co, smoke_and_heat, camera_fire
CONTEXT_USED = [0, 3, 4, 9]


def used() -> np.ndarray:
    """[8,10] mask of the features that have a weight besides the fault flag."""
    mask = np.ones((len(GROUPS), PER_GROUP))
    mask[list(CHANNELS), FAULT] = 0
    mask[UNTRAINED] = 0
    mask[CONTEXT] = 0
    mask[CONTEXT, CONTEXT_USED] = 1
    return mask


@dataclass
class Fuser:
    """Weights: U [8,10,2], W [8,10,H], b [8,H], V [8,H,2], one for all fault flags, bias [3]."""

    skip: np.ndarray
    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    flag: float
    bias: np.ndarray  # fire, nuisance, fault

    def dense(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same weights as matrices: [80, 8·H], [80, 8·4] and [8·H, 8·4]."""
        groups, classes = len(GROUPS), len(CLASSES)
        first = np.zeros((groups * PER_GROUP, groups * HIDDEN))
        skip = np.zeros((groups * PER_GROUP, groups * classes))
        second = np.zeros((groups * HIDDEN, groups * classes))
        for g in range(groups):
            rows = slice(g * PER_GROUP, (g + 1) * PER_GROUP)
            hidden = slice(g * HIDDEN, (g + 1) * HIDDEN)
            first[rows, hidden] = self.first[g]
            skip[rows, g * classes + 1 : g * classes + 3] = self.skip[g]
            second[hidden, g * classes + 1 : g * classes + 3] = self.second[g]
            if g != CONTEXT:
                skip[g * PER_GROUP + FAULT, g * classes + 3] = self.flag
        return first, skip, second

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """[rows, 8, 4]"""
        first, skip, second = self.dense()
        bias = self.first_bias.reshape(-1)
        hidden = np.maximum(features @ first + bias, 0) - np.maximum(bias, 0)
        result = features @ skip + hidden @ second
        return result.reshape(-1, len(GROUPS), len(CLASSES))

    def logits(self, features: np.ndarray) -> np.ndarray:
        """[rows, 4]"""
        return np.concatenate([[0.0], self.bias]) + self.contributions(features).sum(axis=1)

    def prob(self, features: np.ndarray) -> np.ndarray:
        return softmax(self.logits(features))

    def fire_logit(self, features: np.ndarray) -> np.ndarray:
        """The score before it is bent into 0 to 1."""
        logits = np.clip(self.logits(features), -300, 300)
        return logits[:, 1] - np.logaddexp(logits[:, 0], logits[:, 2])

    def score(self, features: np.ndarray) -> np.ndarray:
        return sigmoid(self.fire_logit(features))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logit, -60, 60)))


def train(
    features: np.ndarray,
    truth: np.ndarray,
    weight: np.ndarray,
    seed: int,
    steps: int = 350,
    decay: float = 3e-4,
) -> Fuser:
    """Weighted log loss by full-batch Adam with projection onto the constraints."""
    rng = np.random.default_rng(seed)
    groups = len(GROUPS)
    x = np.ascontiguousarray(features.reshape(-1, groups, PER_GROUP).transpose(1, 0, 2), dtype=np.float32)
    wanted = np.eye(len(CLASSES), dtype=np.float32)[truth]
    params = {
        "skip": rng.uniform(0, 0.05, (groups, PER_GROUP, LEARNED)),
        "first": rng.uniform(0, 0.3, (groups, PER_GROUP, HIDDEN)),
        "first_bias": rng.uniform(-1.5, 0, (groups, HIDDEN)),
        "second": rng.uniform(0, 0.3, (groups, HIDDEN, LEARNED)),
        "flag": np.array(1.0),
        "bias": np.array([-3.0, -3.0, -3.0]),
    }
    mean = {name: np.zeros_like(value) for name, value in params.items()}
    square = {name: np.zeros_like(value) for name, value in params.items()}
    weight = (weight / weight.sum()).astype(np.float32)
    project(params)
    for step in range(1, steps + 1):
        small = {name: value.astype(np.float32) for name, value in params.items()}
        grads = gradient(small, x, wanted, weight, decay)
        rate = 0.03 * min(1.0, 2.0 * (1 - step / (steps + 1)))
        for name, grad in grads.items():
            mean[name] = 0.9 * mean[name] + 0.1 * grad
            square[name] = 0.999 * square[name] + 0.001 * grad**2
            m = mean[name] / (1 - 0.9**step)
            s = square[name] / (1 - 0.999**step)
            params[name] = params[name] - rate * m / (np.sqrt(s) + 1e-8)
        project(params)
    # Rounded, so that differences in the last bits of another machine's arithmetic vanish.
    rounded = {name: np.round(value, DECIMALS) for name, value in params.items()}
    return Fuser(
        rounded["skip"],
        rounded["first"],
        rounded["first_bias"],
        rounded["second"],
        float(rounded["flag"]),
        rounded["bias"],
    )


def gradient(params, x, wanted, weight, decay):
    """Gradient of the weighted log loss plus decay/2 · |weights|²."""
    rest = np.maximum(params["first_bias"], 0)
    pre, hidden = {}, {}
    logits = np.zeros((x.shape[1], len(CLASSES)), np.float32)
    logits[:, 1:] = params["bias"]
    flags = x[list(CHANNELS), :, FAULT].sum(axis=0)
    logits[:, 3] += params["flag"] * flags
    trained = [g for g in range(len(GROUPS)) if g not in UNTRAINED]
    for g in trained:
        pre[g] = x[g] @ params["first"][g] + params["first_bias"][g]
        hidden[g] = np.maximum(pre[g], 0) - rest[g]
        logits[:, 1:3] += x[g] @ params["skip"][g] + hidden[g] @ params["second"][g]
    error = weight[:, None] * (softmax(logits) - wanted)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    grads["bias"] = error[:, 1:].sum(axis=0)
    grads["flag"] = np.array(error[:, 3] @ flags)
    learned = np.ascontiguousarray(error[:, 1:3])
    total = learned.sum(axis=0)
    for g in trained:
        second = params["second"][g]
        back = (pre[g] > 0) * (learned @ second.T)
        grads["skip"][g] = x[g].T @ learned + decay * params["skip"][g]
        grads["first"][g] = x[g].T @ back + decay * params["first"][g]
        rest_on = (params["first_bias"][g] > 0) * (second @ total)
        grads["first_bias"][g] = back.sum(axis=0) - rest_on
        grads["second"][g] = hidden[g].T @ learned + decay * second
    return grads


MASK = used()


def project(params) -> None:
    """Holds the weights to the constraints of the module's documentation."""
    for g, rising in RISING.items():
        fire = np.maximum(params["skip"][g, rising, 0], 0)
        params["skip"][g, rising, 0] = fire
        params["skip"][g, rising, 1] = np.minimum(params["skip"][g, rising, 1], fire)
        params["first"][g][rising] = np.maximum(params["first"][g][rising], 0)
        fire = np.maximum(params["second"][g, :, 0], 0)
        params["second"][g, :, 0] = fire
        params["second"][g, :, 1] = np.minimum(params["second"][g, :, 1], fire)
    params["skip"] *= MASK[:, :, None]
    params["first"] *= MASK[:, :, None]
    for name in ["first_bias", "second"]:
        params[name][UNTRAINED] = 0
    params["flag"] = np.maximum(params["flag"], 0)
