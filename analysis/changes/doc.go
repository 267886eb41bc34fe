// SPDX-License-Identifier: Apache-2.0

// Package changes ranks what people and machines did before an incident: rollouts,
// restarts, flags, configurations. A change is an event with a time and a place, and
// not a series. Like all of analysis the package is pure.
//
// # How likely is it that this change did it?
//
// Either one of the changes began the incident, or none of them did. A change that
// did is followed by the incident soon: half of all within [settled], the others
// ever more rarely, at a density of 1/settled/(1+lag/settled)² (a Lomax
// distribution; its tail is long, as some changes wait for the next peak). One that
// did not is where it is by chance, at the rate at which changes of its kind are made
// in its place. The quotient of the two is the evidence of time, and that of
// rarity at once: a service that is rolled out every ten minutes says nothing.
//
// The evidence of place is how near the change is to what hurts: each step nearer,
// from elsewhere to the cluster, the namespace, the node or a callee, and
// the workload itself, is worth as much as the last one ([step]). What was found out
// beside it counts as far as it is sure: label sets that are the part that was
// changed, or another one ([sure]), and the evidence of the series of each service,
// relative to the mean of all services.
//
// The product of all, times the share of incidents that come from a change
// ([fromChange]) and spread over the places that there are, is compared with the
// probability that none did it. All constants are round numbers, and none is fitted
// to data.
//
// A change after the onset is a consequence or a remedy, and never a cause.
package changes
