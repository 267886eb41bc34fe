// SPDX-License-Identifier: Apache-2.0

// Package web shows reports and incidents: as JSON for programs and as pages
// for the person who was just woken up.
//
//	GET /                        the newest reports
//	GET /reports/{id}            one report
//	GET /incidents/{id}          one incident
//	POST /reports/{id}/explain   a fresh look at its alert, or at a part of its KPI; not stored
//	GET /a/{fingerprint}         the newest report of an alert; waits for it
//	GET /api/v1/reports          JSON list, newest first
//	GET /api/v1/reports/{id}     JSON of one report
//	GET /api/v1/incidents        JSON list, newest first
//	GET /api/v1/incidents/{id}   JSON of one incident
//
// Both lists take limit=, open=true|false, alertname=, status=,
// fingerprint=, incident= and match= (matchers as in Alertmanager, repeatable).
//
// Pages are made on the server, drawings too. They load nothing from anywhere
// else, run without JavaScript (a small script only adds copy buttons and the values of charts), and a
// content security policy forbids everything that they don't need: the labels
// on them were written by whoever can get a metric scraped.
//
// [New] makes the handler. What there is to show comes from a [Reader].
package web
