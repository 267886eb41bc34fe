// SPDX-License-Identifier: Apache-2.0

// Package changes ranks what people and machines did before an incident: rollouts,
// restarts, flags, configurations. A change is an event with a time and a place, and
// not a series. Like all of analysis the package is pure.
//
// # How likely is it that this change did it?
//
// Either one of the changes started the incident, or none of them did. An incident
// follows the change that caused it soon: half of them within [settled], the others
// ever more rarely, at a density of 1/settled/(1+lag/settled)² (a Lomax
// distribution; its tail is long because some changes only show at the next peak). An
// innocent change is there by chance, at the rate at which changes of its kind are made
// in its place. The ratio of the two densities is the evidence of both time and
// rarity: a rollout of a service that is rolled out every ten minutes means nothing.
//
// The evidence of place is how close the change is to the alert: each step, from
// elsewhere to the cluster, the namespace, the node or a callee, and the workload
// itself, multiplies it by the same factor ([step]). The other findings count as far as
// they are certain: label sets that name the changed part, or another one ([sure]), and
// the evidence from each service's series, relative to the mean of all services.
//
// The product of all of these, times the share of incidents that a change causes
// ([fromChange]) divided among the places, is compared with the probability that no
// change did it. All constants are round numbers; none is fitted to data.
//
// A change after the onset is a consequence or a remedy, never a cause. So is one that
// came when most of the KPI's move had been made, and one since which the KPI moved no
// more than in the same time before: a slow ramp, a drift or a morning has not begun with
// it ([Move]). Nor is one that was reverted before, one that ended the same trouble earlier, or
// one that is older than all known samples of the KPI, ten minutes of which are usual.
package changes
