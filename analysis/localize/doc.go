// SPDX-License-Identifier: Apache-2.0

// Package localize finds the label values that explain the change of a measure. It
// combines the other kernels: the daemon, the command line and the benchmark all
// call [Run].
//
// It takes a breakdown (leaves with their label values, forecast and actual value;
// or the marginals, where only one label at a time could be queried) and analyzes it
// twice. Package adtributor looks at one label at a time, which gives the table of
// every label. For the causes, search and judgement are separate: in a small table
// package judge looks at every set, in a large one package grescan proposes sets, and
// one likelihood (package judge) decides in both cases:
//
//   - A set that moved by itself is a cause if it moved the total in the direction
//     in which the total moved. Its confidence depends on its best rival, another set
//     of these leaves. Confident values of one label are merged into one cause.
//   - If everything outside the sets moved by one factor, which also holds without
//     the heaviest value of each label, and that makes up the change, the cause is not
//     in the labels: the verdict is External. One value that moved while the others
//     did not is never External, however large it is.
//   - If the events of a ratio are those expected for the actual traffic, the traffic
//     moved it: the verdict is TrafficMix.
//   - If the total did not move, only parts that would have moved it by themselves
//     are reported.
//   - A cause that chance could have produced is reported with low confidence, or
//     else the best set of one label; so is a cause of only a small part of the change.
//
// A ratio is given as the events expected for the actual traffic (package forecast)
// and the events that occurred, which is an additive measure. Its numerator and
// denominator serve for what that form cannot show, a traffic shift, and for splitting
// a cause into its rate and its mix.
//
// Counts are numbers of events during the incident: multiply a rate by its length
// in seconds.
package localize
