// SPDX-License-Identifier: Apache-2.0

// Package localize finds the label values that explain the change of a measure. It
// combines the other kernels: the daemon, the command line and the benchmark all
// call [Run].
//
// It takes a breakdown (leaves with their label values, forecast and actual
// value; or, where only one label at a time could be asked, the marginals) and
// looks at it twice. Package adtributor sees it by one label at a time, which
// gives the table of every label. For the causes, search and judgement are
// apart: package judge looks at every set of a small table itself, package
// grescan proposes those of a large one, and one likelihood (package judge)
// judges both:
//
//   - A set that moved by itself is a cause, if it moved the total the way it
//     moved. How sure it is, its best rival tells: another set of these leaves.
//     Sure values of one label are one cause.
//   - If what no set speaks for moved by one factor, which is seen beside the
//     heaviest value of each label, too, and brings the change, the cause is not
//     in the labels: the verdict is External. One value that moved while the
//     others stood still is never that, however large it is.
//   - A ratio whose events are those to be expected of the traffic that there
//     was moved by that traffic: the verdict is TrafficMix.
//   - Of a total that stood still only parts are told that would have moved it
//     by themselves.
//   - A cause that chance could have made, or failing that the set of a label,
//     is an answer of low confidence, and so is a small part of the change.
//
// A ratio comes as the events expected of the traffic that there was (package
// forecast) beside the events that came, which is an additive measure; its
// parts are used for what that form cannot see, a shift of traffic, and for the
// split of a cause into its rate and its mix.
//
// Counts are numbers of events within the incident: multiply a rate by its
// seconds.
package localize
