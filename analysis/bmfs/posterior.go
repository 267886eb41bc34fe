// SPDX-License-Identifier: Apache-2.0

package bmfs

// posterior is q(beta): it is brought up to date for new values of the other
// factors, and answers what their updates ask.
type posterior interface {
	// load takes up X, y and the extra variance after they have changed.
	load(d *design)
	// update maximises the bound over q(beta).
	update(pr prior) gaussian
	// coupling sets dst_j = sum_{k != j} K_jk <beta_j beta_k> s_k.
	coupling(dst, s []float64)
	// block returns <beta_u beta_u'> and <beta_u beta_o'>, row by row.
	block(u, o []int) (uu, uo []float64)
}

// prior is what q(beta) needs to know of the other factors.
type prior struct {
	alpha, gamma float64
	mean, root   []float64 // <lambda>, <sqrt lambda>
	ridge        float64
}

// gaussian is what the other factors need to know of q(beta). The slices
// belong to the posterior and change with its next update.
type gaussian struct {
	mu     []float64 // <beta>
	second []float64 // <beta_j^2>
	resid  float64   // <|y - X beta|^2>
	logDet float64   // ln |Sigma|
	failed bool      // the precision was not positive definite even so
	ridge  float64   // the ridge it took
}
