// SPDX-License-Identifier: Apache-2.0

// Package bmfs selects the few candidate series that explain a target, by
// Bayesian multicollinear feature selection, the forward half of BALANCE:
//
//	Chen et al., BALANCE: Bayesian Linear Attribution for Root Cause
//	Localization, Proc. ACM Manag. Data 1(1), art. 95, 2023
//	(doi 10.1145/3588949, arXiv 2301.13572).
//
// # The model
//
// With y and the columns of X standardised,
//
//	y = X beta + e               e ~ N(0, 1/alpha)
//	beta ~ N(0, [gamma L^1/2 K L^1/2]^-1)     L = diag(lambda)
//	p(lambda_j) ~ lambda_j^-1/2 / (1+lambda_j)
//
// The horseshoe on lambda keeps large coefficients and shrinks small ones:
// kappa_j = <lambda_j>/(1+<lambda_j>) is 0 for a candidate that is kept and 1
// for one that is shrunk away; Result.Relevance is 1-kappa. K is the candidates'
// correlation matrix (nine parts) with the identity (one part), so that
// correlated candidates share their fate instead of one of them taking all.
//
// Fit approximates the posterior by q(beta) q(lambda) q(alpha) q(gamma) and
// raises a lower bound of the evidence until nothing moves: q(beta) is a
// multivariate normal (or independent log-normals, Options.Positive), lambda
// takes one natural-gradient step with a line search, alpha and gamma have
// closed forms. The bound is returned after every half step.
//
// # Two presets
//
// Paper is the published method: mixture threshold on kappa, missing values
// filled in from the target. Robust, the default, keeps the model but puts a
// floor under the noise, fills missing values from correlated candidates,
// selects by the extended BIC along the order that the posterior gives, and
// reports candidates that the data cannot tell apart as one finding (Set) with
// several members. An empty selection is a legal answer of Robust.
//
// # Selection in Robust
//
// The paper's mixture threshold is not competitive when p >= n, so the
// posterior mean only orders the candidates. A subset is grown along that order
// and along forward paths, improved by exchanging one candidate at a time, and
// scored by the extended BIC, in which a block of correlated candidates counts as
// its effective number. The mean of a block is a candidate, too: a block
// that acts as a whole becomes one finding (Set.Whole). Where samples are missing, the search
// is repeated with the likelihood of the observed data: rows in which a selected
// candidate was not observed count less. When a single event carries the whole
// variance of the target, every candidate that moved in it as it never did otherwise
// joins the finding, because nothing else distinguishes them.
//
// A target that is the sum of very many parts has no sparse explanation: Ridge is
// the second opinion.
//
// # Limits of the model
//
// Lagged, thresholded and curved relations can be found by expanding the
// candidates (Lagged, Hinged) or by working on ranks (Options.Monotone). Relations
// that drift, and pairs that drive each other, are not modelled; Drift detects the
// former.
//
// # Doubt
//
// No data is an error: constant, empty and duplicate
// candidates, a target that does not move, or three samples. The result then
// selects nothing and Result.Warnings says why. For finite input all numbers
// in a result are finite. The same input gives the same bits.
//
// # Cost
//
// An iteration is a Cholesky factor and inverse of order p while p <= 5n, and
// of order 2n above that (Woodbury): O(p^3) or O(n^2 p). Fits take 20 to 40
// iterations. Beyond Options.Screen candidates a linear screening pass
// decides which of them enter the model, so that time grows linearly with p.
package bmfs
