"""The additive fuser: six small functions, one per channel, whose outputs are summed.

contribution_c(x) = U_c x + V_c (relu(W_c x + b_c) - relu(b_c)), so an absent channel (all features
0) contributes exactly 0, and logit = bias + sum of contributions is the whole explanation.

For smoke, carbon monoxide and temperature all weights of the rising features are held at or above
0: more smoke, more CO, more heat can never lower the score. VOC has no recording to learn from; its
weights are 0.
"""

from dataclasses import dataclass

import numpy as np

CHANNELS = 6
PER_CHANNEL = 8
HIDDEN = 4
RISING = [0, 1, 2, 3, 4, 5]  # level_z, fast_z, slope_1m, slope_5m, rise, cusum
MONOTONE = [0, 1, 3]  # smoke, carbon_monoxide, temperature
UNTRAINED = [2]  # voc
TRAINED = [channel for channel in range(CHANNELS) if channel not in UNTRAINED]
DECIMALS = 5


@dataclass
class Fuser:
    """Weights: U [6,8], W [6,8,H], b [6,H], V [6,H], bias."""

    skip: np.ndarray
    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    bias: float

    def contributions(self, features: np.ndarray) -> np.ndarray:
        x = features.reshape(-1, CHANNELS, PER_CHANNEL)
        hidden = np.maximum(np.einsum("ncf,cfh->nch", x, self.first) + self.first_bias, 0)
        rest = np.maximum(self.first_bias, 0)
        return np.einsum("ncf,cf->nc", x, self.skip) + np.einsum(
            "nch,ch->nc", hidden - rest, self.second
        )

    def logit(self, features: np.ndarray) -> np.ndarray:
        return self.bias + self.contributions(features).sum(axis=1)

    def score(self, features: np.ndarray) -> np.ndarray:
        return sigmoid(self.logit(features))


def sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logit, -60, 60)))


def train(
    features: np.ndarray,
    fire: np.ndarray,
    weight: np.ndarray,
    seed: int,
    steps: int = 500,
    decay: float = 3e-4,
) -> Fuser:
    """Weighted logistic regression by full-batch Adam with projection onto the constraints."""
    rng = np.random.default_rng(seed)
    x = np.ascontiguousarray(features.reshape(-1, CHANNELS, PER_CHANNEL).transpose(1, 0, 2))
    params = {
        "skip": rng.uniform(0, 0.05, (CHANNELS, PER_CHANNEL)),
        "first": rng.uniform(0, 0.3, (CHANNELS, PER_CHANNEL, HIDDEN)),
        "first_bias": rng.uniform(-1.5, 0, (CHANNELS, HIDDEN)),
        "second": rng.uniform(0, 0.3, (CHANNELS, HIDDEN)),
        "bias": np.array(-3.0),
    }
    mean = {name: np.zeros_like(value) for name, value in params.items()}
    square = {name: np.zeros_like(value) for name, value in params.items()}
    weight = weight / weight.sum()
    project(params)
    for step in range(1, steps + 1):
        grads = gradient(params, x, fire, weight, decay)
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
        float(rounded["bias"]),
    )


def gradient(params, x, fire, weight, decay):
    """Gradient of the weighted log loss plus decay/2 · |weights|²."""
    rest = np.maximum(params["first_bias"], 0)
    pre, hidden = {}, {}
    logit = np.full(x.shape[1], float(params["bias"]))
    for channel in TRAINED:
        pre[channel] = x[channel] @ params["first"][channel] + params["first_bias"][channel]
        hidden[channel] = np.maximum(pre[channel], 0) - rest[channel]
        logit += x[channel] @ params["skip"][channel] + hidden[channel] @ params["second"][channel]
    error = weight * (sigmoid(logit) - fire)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    grads["bias"] = np.array(error.sum())
    for channel in TRAINED:
        second = params["second"][channel]
        back = (pre[channel] > 0) * error[:, None] * second
        grads["skip"][channel] = error @ x[channel] + decay * params["skip"][channel]
        grads["first"][channel] = x[channel].T @ back + decay * params["first"][channel]
        rest_on = (params["first_bias"][channel] > 0) * second
        grads["first_bias"][channel] = back.sum(axis=0) - rest_on * error.sum()
        grads["second"][channel] = error @ hidden[channel] + decay * second
    return grads


def project(params) -> None:
    """Holds the weights to the constraints of the module's documentation."""
    for channel in MONOTONE:
        params["skip"][channel, RISING] = np.maximum(params["skip"][channel, RISING], 0)
        params["first"][channel][RISING] = np.maximum(params["first"][channel][RISING], 0)
        params["second"][channel] = np.maximum(params["second"][channel], 0)
    for channel in UNTRAINED:
        for name in ["skip", "first", "first_bias", "second"]:
            params[name][channel] = 0
