# SPDX-License-Identifier: Apache-2.0
"""Steps of star methods. An estimate has the gain kappa if the sum of E|g - grad f(x)|^2 over rounds is at
most kappa^2 times the sum of E|x+ - x|^2; then gamma <= 1 / (L_- + kappa). Gains in series multiply, parallel
gains add. L: a dict of a problem's constants."""
import math

import compressors
import star


def rms(L):
    """Bounds the root mean square over clients of the changes of gradients. L_+ does, and L_+ <= L~."""
    return L["L_plus"]


def K(alpha):
    """The gain of a memory h += C(s - h) from changes of s to h - s: sqrt(B / A) of EF21; 1 + K = 1 / A."""
    r = math.sqrt(1 - alpha)
    return r / (1 - r)


def gain_three_point(L, A, B):
    return rms(L) * math.sqrt(B / A)


def gain_ef21(L, alpha):
    return rms(L) * K(alpha)


def gain_ef21_sgdm(L, alpha, eta, averages=1):
    """Without noise. A moving average with eta has gain (1 - eta) / eta to its error, and 1 to its changes."""
    return averages * (1 - eta) / eta * L["L_minus"] + rms(L) * K(alpha)


def step_ef21_hb(L, alpha, beta):
    return (1 - beta) / (L["L_minus"] / (1 - beta) + rms(L) * K(alpha))


def joined(A, B, p):
    """(A', B') of a three-point compressor in which a client joins with probability p: A' = p A - (1-p) rho and
    B' = p B + (1-p) (1 + 1/rho), where rho minimises B' / A'."""
    q = 1 - p
    rho = (math.sqrt(q * q + p * A * (p * B + q)) - q) / (p * B + q)
    return p * A - q * rho, p * B + q * (1 + 1 / rho)


def step_ef21_pp(L, alpha, p):
    A = 1 - math.sqrt(1 - alpha)
    A, B = joined(A, (1 - alpha) / A, p)
    return 1 / (L["L_minus"] + rms(L) * math.sqrt(B / A))


def gain_ef21_bc(L, alpha, alpha_down):
    """|C(y)| <= |y| for the client's compressor."""
    return rms(L) * ((1 + K(alpha)) * (1 + K(alpha_down)) - 1)


# ---- EF-BV -------------------------------------------------------------------------------------------------
def bias_and_variances(C, n):
    """(eta, omega, omega_av): |E C(x) - x| <= eta |x|; E|C(x) - E C(x)|^2 <= omega |x|^2; omega_av: the
    variance of the mean over clients, relative to mean |x_i|^2."""
    if isinstance(C, compressors.CPermK):
        s = 1 / C.alpha
        return 1 - 1 / s, (s - 1) / s**2, C.A / s**2
    if isinstance(C, compressors.PermK):
        return 0.0, C.omega, C.A
    if isinstance(C, compressors.CRandK):
        omega = C.alpha * (1 - C.alpha)
        return 1 - C.alpha, omega, omega / n
    if isinstance(C, (compressors.Comp, compressors.Mix)):
        return C.eta, C.variance, C.variance / n
    if isinstance(C, (compressors.LowRank, compressors.TopK)):
        return math.sqrt(1 - C.alpha), 0.0, 0.0
    return 0.0, C.omega, C.omega / n


def ef_bv_rates(C, n):
    """The default lambda and nu."""
    eta, omega, omega_av = bias_and_variances(C, n)
    best = lambda variance: min(1.0, (1 - eta) / ((1 - eta) ** 2 + variance))
    return best(omega), best(omega_av)


def contractions(C, n, lam, nu):
    """(r, r_av) of EF-BV: of the squared error of a memory, and of the estimate."""
    eta, omega, omega_av = bias_and_variances(C, n)
    r = lambda rate, variance: (1 - rate + rate * eta) ** 2 + rate**2 * variance
    return r(lam, omega), r(nu, omega_av)


def gain_ef_bv(L, C, n, lam, nu):
    r, r_av = contractions(C, n, lam, nu)
    return rms(L) * math.sqrt(r_av) / (1 - math.sqrt(r))


def step_ef_bv_pl(L, C, n, lam, nu):
    r, r_av = contractions(C, n, lam, nu)
    if r == 0:
        return 1 / L["L_minus"]
    return 1 / (L["L_minus"] + rms(L) * math.sqrt(r_av / r) / (math.sqrt((1 + r) / (2 * r)) - 1))


# ---- MARINA and DASHA --------------------------------------------------------------------------------------
def gain_marina(L, omega, n, p):
    return rms(L) * math.sqrt((1 - p) * omega / (p * n))


def gain_dasha(L, omega, n):
    """With a = 1 / (2 omega + 1) and independent Q."""
    return rms(L) * math.sqrt(2 * omega * (2 * omega + 1) / n)


def gain_contractive_dasha(L, alpha, a):
    """With a contractive compressor; a = 1 is EF21."""
    return rms(L) * K(alpha) / a


def step_dasha_pl(L, omega, n, mu):
    by_gain = 1 / (L["L_minus"] + rms(L) * math.sqrt(6 * omega * (2 * omega + 1) / n))
    return min(by_gain, 1 / (2 * omega + 1) / (2 * mu))


def gain_dasha_page(L, omega, n, B, p):
    sample_sq = L["L_sample"] ** 2
    changes = (1 + p) * rms(L) ** 2 + 3 * (1 - p) * sample_sq / B
    return math.sqrt(4 * omega * (2 * omega + 1) / n * changes + 2 * (1 - p) * sample_sq / (p * n * B))


def gain_dasha_mvr(L, omega, n, B, b):
    sample_sq = (1 - b) ** 2 * L["L_sample"] ** 2
    changes = rms(L) ** 2 + 3 * sample_sq / B
    return math.sqrt(8 * omega * (2 * omega + 1) / n * changes + 4 * sample_sq / (b * n * B))


# ---- error feedback ----------------------------------------------------------------------------------------
def default_eta(alpha):
    """EControl's; the identity has no error, and eta does not matter."""
    return 1 / (4 * K(alpha)) if alpha < 1 else 1.0


def gain_econtrol(L, alpha, eta):
    """For eta < (1 - r) / (2 r)."""
    r = math.sqrt(1 - alpha)
    return rms(L) * 2 * r / (1 - r - 2 * eta * r)


def tight(L, mu, alpha):
    """(step, contraction of the Lyapunov function a round) of EF and of EF21 for one client with mu-strongly
    convex and L-smooth f (arXiv 2506.05271)."""
    root = math.sqrt(1 - alpha)
    step = 2 / (L + mu) * (1 - root) / (1 + root)
    inner = math.sqrt((L - mu) ** 2 + 16 * L * mu * root / (1 + root) ** 2)
    lam = step / (L + mu) * ((1 - root) * (L - mu) + (1 + root) * inner)
    return step, root + (1 + root) * (L - mu) * lam / 4


# ---- downlinks and outer rules -----------------------------------------------------------------------------
def step_ef21_p(L, kappa, alpha):
    """kappa: the gain of the uplink. |C(y)| <= |y| for the server's compressor."""
    return (1 - math.sqrt(1 - alpha)) / (L["L_minus"] + kappa)


def step_marina_p(L, omega, theta, p, L_A=None, L_B=0.0):
    """Over gd. |mean(grad f_i(x + u_i) - grad f_i(x))|^2 <= L_A^2 mean |u_i|^2 + L_B^2 |mean u_i|^2, and theta
    is the variance of the mean of the Q_i. L_A = L~ always holds."""
    L_A = rms(L) if L_A is None else L_A
    return 1 / (L["L_minus"] + math.sqrt((L_A**2 * omega + L_B**2 * theta) * (1 / p - 1)))


def step_prox(L, kappa):
    return 1 / (L["L_minus"] + 2 * kappa)


def step_by_gain(L, kappa, down, outer):
    """The step with an uplink of gain kappa, or None if no theorem is known. down: a star.Direction."""
    if isinstance(down, star.DirectionWithMemory) or outer not in ("step", "prox-l1"):
        return None
    if outer == "prox-l1":
        return step_prox(L, kappa) if type(down) is star.Direction else None
    if isinstance(down, star.ModelWithMemory):
        return step_ef21_p(L, kappa, down.C.alpha)
    if isinstance(down, star.MarinaP):
        return step_marina_p(L, down.Q.omega, 0.0, down.p) if kappa == 0 else None
    return 1 / (L["L_minus"] + kappa)
