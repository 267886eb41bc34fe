// SPDX-License-Identifier: Apache-2.0

// Package rank orders candidate series by how likely they are the cause of an
// alert.
//
// The input is the alert's KPI, the candidate series with a code for their
// service and a Kind, all sampled on the same rows, and the row at which the
// incident began according to the alert. The steps:
//
//  1. Set aside the rows of earlier incidents, flip ratios near their bound,
//     scale each series by its own robust scale in the baseline, with a floor given
//     by the size of its peers (earlier.go, prepare.go, peers.go).
//  2. Date the incident: alerts fire late (onset.go).
//  3. Measure how far each series left both its long baseline and the minutes
//     before the onset, compared with what it reaches in quiet windows of the
//     baseline (deviation.go).
//  4. Test whether the part that its parents in a causal graph don't explain is
//     abnormal, too (residual.go; package pcalg, learned on the baseline alone).
//  5. Weigh by association with the KPI: correlation, and its share in a
//     regression (association.go). These weights fade when the KPI is calm. A series
//     that moved after the KPI, as far as the noise of both allows to tell, counts
//     half, unless the KPI moved again together with it (began.go, follower.go).
//  6. Add up by service. A rise on all edges of one caller belongs to the caller, and
//     so does a rise on a single edge of a callee (edges.go). Symptoms are discounted
//     where a callee explains them on a given call graph, resources never (service.go).
//  7. Add two simple scores, half of each: the plain deviation and that of the
//     logarithm (plain.go).
//  8. Rate the confidence that the first service is the cause: by its deviation
//     compared with the largest of all series in any quiet window, and by its lead
//     over the next service (confidence.go). A smaller move counts, too, if it is of
//     the one series with which the KPI has always moved (bond.go). If most series
//     moved by one factor, that is load and nobody's fault (load.go).
//
// The result does not depend on units, on the names of series or services, or on
// their order.
//
// # What it rests on
//
// The deviation against a baseline is that of N-Sigma and BARO (Pham et al.,
// FSE 2024), the test against graph parents that of CIRCA (Li et al., KDD
// 2022); here, each is also compared with its own quiet windows. A regression alone, coefficients times deviations, is not a ranker;
// as a factor it lifts the first place. Ridge was compared with the selection
// of package bmfs and with none: Avg@5 .950, .942, .942 on the first set
// below, .838, .808, .815 on the second, equal on the others.
//
// Measured on public fault injections, by service, AC@1 / Avg@5 (the share of
// cases whose faulty service is first, and the mean of that over the first one
// to five places), with two-sided N-Sigma and BARO's formula:
//
//	                               here        N-Sigma     BARO
//	Online Boutique (Nezha)        .83 .942    .67 .767    .75 .875
//	PetShop, with its call graph   .62 .808    .08 .138    .15 .154
//	Bookinfo on edge nodes         .79 .958    .79 .942    .54 .883
//	  its other experiments        .90 .970    .68 .873    .56 .795
//	Online Boutique (MicroIRC)     .56 .713    .38 .613    .31 .550
//	Sock Shop (OpenNetAI)          .59 .714    .46 .562    .35 .519
//	Sock Shop (RCD)                1.0 1.0     .40 .700    .10 .500
//	Train Ticket, 68 services      .97 .995    .95 .950    .70 .900
//
// Those are single injected faults; one place in one case makes a difference of
// about .01. `go run ./examples/benchmark candidates` reproduces the table.
//
// No single formula was best everywhere. Learned weights, fusion of ranks, the
// earliest mover, random walks on a learned graph and weights by the trust in the
// KPI did not generalise to unseen systems. Correlation with lagged candidates lost as
// much as it won, except for explaining away, where one sample of lag is allowed. A
// callee that measures itself as calm while one caller waits for it is not evidence
// against the caller: the fault may be at either end of the path between them.
//
// # What it can't do
//
// A fault that moves no series isn't found, and the first place is a hint, not
// proof: see Service.Confidence and Result.Warnings. The baseline should be ten times
// as long as the incident, better twenty; with less, a cause must stand out more, and
// alone. Where one service calls another, the
// callee's latency as measured by the caller moves as far as the caller's own,
// and explaining away may name the callee. A second cause that comes later than
// the first looks like a victim, unless the KPI shows a second step.
//
// # Cost
//
// Linear in the number of series; the attribution is also quadratic in the number of
// rows (at most 300 before the onset), or of series if there are fewer. CPU time on a
// small machine for 600 rows: 200 series about 25 ms and
// 7 MB allocated, 600 series 75 ms and 16 MB, 5,000 series 0.6 s and 100 MB.
// All results are deterministic.
package rank
