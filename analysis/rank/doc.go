// Package rank orders candidate series by how likely they are the cause of an
// alert.
//
// The input is the alert's KPI, the candidate series with a code for their
// service and a Kind, all sampled on the same rows, and the row at which the
// alert says that the incident began. The steps:
//
//  1. Fill, flip ratios near their bound, scale each series by its own robust
//     scale in the baseline (prepare.go).
//  2. Date the incident: alerts fire late (onset.go).
//  3. Measure how far each series left both its long baseline and the minutes
//     before the onset, against what it reaches in quiet windows of the
//     baseline (deviation.go).
//  4. Ask whether the part that its parents in a causal graph don't explain is
//     abnormal too (residual.go; package pcalg, learned on the baseline alone).
//  5. Weigh by association with the KPI: correlation, and its share in a
//     regression (association.go). All of it fades when the KPI is calm.
//  6. Add up by service, and discount services whose callees explain them on a
//     given call graph (service.go).
//  7. Say how sure it is that anything broke at all (result.go).
//
// What it can't do: a fault that moves no series isn't found, and the first
// place is a hint and no proof. See Result.Confidence and Result.Warnings.
//
// The deviation against a baseline is that of N-Sigma and BARO (Pham et al.,
// FSE 2024), the test against graph parents that of CIRCA (Li et al., KDD
// 2022), where here each must also stand the comparison with its own quiet
// windows.
//
// Cost: linear in the number of series, for the attribution also quadratic in
// the rows that it sees (at most 300 before the onset). Everything is
// deterministic.
package rank
