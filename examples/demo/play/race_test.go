// SPDX-License-Identifier: Apache-2.0

//go:build race

package main

// underRace is true under the race detector, where two days of history take minutes to write.
const underRace = true
