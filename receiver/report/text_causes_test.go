// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis"
)

// Naming one of two equal causes is half the truth, and so is a traffic shift without its
// destination.
func TestALineNamesAllCausesOfSimilarSize(t *testing.T) {
	type change = func(*analysis.Finding)
	pay := func(changes ...change) analysis.Finding {
		f := payV2()
		for _, c := range changes {
			c(&f)
		}
		return f
	}
	share := func(v float64) change { return func(f *analysis.Finding) { f.Share = v } }
	next := func(rank int, label, value string) change {
		return func(f *analysis.Finding) { f.Rank, f.Labels = rank, []map[string]string{{label: value}} }
	}
	moved := func(before, after float64) change {
		return func(f *analysis.Finding) { f.Evidence.Forecast, f.Evidence.Actual = &before, &after }
	}
	medium := func(f *analysis.Finding) { f.Confidence = analysis.Medium }
	for _, tt := range []struct {
		name string
		in   Input
		want string
	}{
		{
			"the mix of traffic, and where it went", shifted(&analysis.Mix{Labels: map[string]string{"path": "/batch"}, Share: .97, Before: .08, Now: .4, Ratio: .09, Others: .005}),
			`No part changed: traffic shifted to path=/batch (8 % → 40 % of it), where it has always been higher (0.09/s, elsewhere 0.005/s); checkout errors 3.1/s → 41/s`,
		},
		{
			"the mix of traffic, and what it left", shifted(&analysis.Mix{Labels: map[string]string{"path": "/health"}, Share: .97, Before: .5, Now: .1, Ratio: .001, Others: .05}),
			`No part changed: traffic shifted away from path=/health (50 % → 10 % of it), where it has always been lower (0.001/s, elsewhere 0.05/s); checkout errors 3.1/s → 41/s`,
		},
		{
			"two causes of about the same share", input(analysis.Explained, pay(share(.5)), pay(share(.4), next(2, "region", "eu"))),
			`50 % of the rise is path=/pay, version=v2, 40 % region=eu (checkout errors 3.1/s → 41/s)`,
		},
		{
			"a small cause beside a large one", input(analysis.Explained, pay(share(.8)), pay(share(.2), next(2, "region", "eu"))),
			`80 % of the rise is path=/pay, version=v2 (checkout errors 3.1/s → 41/s)`,
		},
		{
			"four causes, one of them likely", input(analysis.Explained, pay(share(.25)), pay(share(.25), next(2, "region", "eu")),
				pay(share(.25), next(3, "region", "us"), medium), pay(share(.2), next(4, "region", "bj"))),
			`likely 25 % of the rise is path=/pay, version=v2, 25 % region=eu, and 2 more (checkout errors 3.1/s → 41/s)`,
		},
		{
			"two that moved against each other", input(analysis.Explained, pay(share(.5), moved(20, 36)), pay(share(.5), next(2, "shard", "7"), moved(20, 4))),
			`path=/pay, version=v2 (20/s → 36/s) and shard=7 (20/s → 4/s) moved against each other (checkout errors 3.1/s → 41/s)`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, New(tt.in).Line()); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

// shifted is the verdict of a traffic shift, with its destination.
func shifted(m *analysis.Mix) Input {
	in := everywhere(analysis.MixShifted)
	in.Result.Change.Mix = m
	return in
}
