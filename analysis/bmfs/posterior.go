// SPDX-License-Identifier: Apache-2.0

package bmfs

// posterior is q(beta). It is updated for new values of the other factors, and provides the
// terms of their updates.
type posterior interface {
	// load reads X, y and the extra variance after they have changed.
	load(d *design)
	// update maximises the bound over q(beta).
	update(pr prior) gaussian
	// coupling sets dst_j = sum_{k != j} K_jk <beta_j beta_k> s_k.
	coupling(dst, s []float64)
	// block returns <beta_u beta_u'> and <beta_u beta_o'>, row by row.
	block(u, o []int) (uu, uo []float64)
}

// prior has the terms of the other factors for q(beta).
type prior struct {
	alpha, gamma float64
	mean, root   []float64 // <lambda>, <sqrt lambda>
	ridge        float64
}

// gaussian has the terms of q(beta) for the other factors. The slices belong to the posterior
// and change with its next update.
type gaussian struct {
	mu     []float64 // <beta>
	second []float64 // <beta_j^2>
	resid  float64   // <|y - X beta|^2>
	logDet float64   // ln |Sigma|
	failed bool      // the precision was not positive definite even with a larger ridge
	ridge  float64   // the ridge used
}
