// SPDX-License-Identifier: Apache-2.0

// Package fleet runs culprits as processes of their own, between real servers,
// where they can be killed, stopped and starved, and tells what became of their
// alerts.
package fleet
