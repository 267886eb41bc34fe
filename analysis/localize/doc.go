// Package localize answers which label values explain the change of a measure,
// with all that the other kernels know: [Run] is the one entry that the daemon,
// the command line and the benchmark share.
//
// It takes a breakdown (leaves with their label values, forecast and actual
// value; or, where only one label at a time could be asked, the marginals) and
// looks at it twice. Package adtributor sees it by one label at a time, which
// gives the table of every label. Package grescan looks for combinations, which
// gives the causes. Then:
//
//   - Causes that all belong to one label, which is among the most surprising
//     ones too, are one set of that label.
//   - Else the combinations are the answer, best first.
//   - A combination that chance could have made, or failing that the set of a
//     label, is an answer of low confidence.
//   - If what was found holds no more of the change than it should hold of the
//     total had everything moved alike, or if by every label each value moved as
//     much as its share, the cause is not in the labels: the verdict is External.
//
// A ratio comes as the events expected of the traffic that there was (package
// forecast) beside the events that came, which is an additive measure; its
// parts are used for what that form cannot see, a shift of traffic, and for the
// split of a cause into its rate and its mix.
//
// Counts are numbers of events within the incident: multiply a rate by its
// seconds.
package localize
