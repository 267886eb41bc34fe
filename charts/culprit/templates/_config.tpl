{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{/* What goes into the ConfigMap, and the addresses that follow from it. */}}

{{/* The main file: the user's, and the rule files of the chart after the user's own. */}}
{{- define "culprit.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $files := default (list) $config.rule_files -}}
{{- if .Values.ruleFiles -}}{{- $files = append $files "rules/*.yml" -}}{{- end -}}
{{- if .Values.defaultRule.enabled -}}{{- $files = append $files "default-rule.yml" -}}{{- end -}}
{{- if $files -}}{{- $_ := set $config "rule_files" $files -}}{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* The keys of the ConfigMap. A rule file has a prefix, so that it can't take the place of another key. */}}
{{- define "culprit.configData" -}}
culprit.yml: |
  {{- include "culprit.config" . | nindent 2 }}
{{- range $name, $file := .Values.ruleFiles }}
rule.{{ $name }}: |
  {{- toYaml $file | nindent 2 }}
{{- end }}
{{- if .Values.defaultRule.enabled }}
default-rule.yml: |
  # The alerts that no other rule matches: the target is the alert's own
  # expression, and its labels are discovered.
  rules:
    - name: any other alert
      matchers:
        {{- toYaml .Values.defaultRule.matchers | nindent 8 }}
{{- end }}
{{- end -}}

{{/* Where the keys are found below /etc/culprit/config. */}}
{{- define "culprit.configItems" -}}
- key: culprit.yml
  path: culprit.yml
{{- range $name, $_ := .Values.ruleFiles }}
- key: rule.{{ $name }}
  path: rules/{{ $name }}
{{- end }}
{{- if .Values.defaultRule.enabled }}
- key: default-rule.yml
  path: default-rule.yml
{{- end }}
{{- end -}}

{{/* The address of the Service. */}}
{{- define "culprit.serviceURL" -}}
{{- printf "%s://%s.%s.svc:%d" .Values.webConfig.scheme (include "culprit.fullname" .) (include "culprit.namespace" .) (int .Values.service.port) -}}
{{- end -}}

{{/* The address that people use. */}}
{{- define "culprit.externalURL" -}}
{{- if .Values.externalURL -}}
{{- tpl .Values.externalURL . -}}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts -}}
{{- printf "%s://%s" (ternary "https" "http" (not (empty .Values.ingress.tls))) (first .Values.ingress.hosts).host -}}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames -}}
{{- printf "https://%s" (first .Values.httpRoute.hostnames) -}}
{{- else -}}
{{- include "culprit.serviceURL" . -}}
{{- end -}}
{{- end -}}

{{/*
What people read, pages and API, as a JSON list of [path, is-prefix], below the
path of the external URL. Below the reports people also say whether one was right
(POST …/feedback). The webhook, POST /api/v1/changes and /-/reload are not among
them.
*/}}
{{- define "culprit.pages" -}}
{{- $base := trimSuffix "/" (urlParse (include "culprit.externalURL" .)).path -}}
{{- $pages := list (list (printf "%s/" $base) false) -}}
{{- range list "reports" "incidents" "cases" "changes" "a" "static" "api/v1/reports" "api/v1/incidents" "api/v1/cases" -}}
{{- $pages = append $pages (list (printf "%s/%s" $base .) true) -}}
{{- end -}}
{{- toJson $pages -}}
{{- end -}}

{{/* A probe with the scheme of the port: (list $ probe). */}}
{{- define "culprit.probe" -}}
{{- $probe := deepCopy (index . 1) -}}
{{- if and $probe.httpGet (eq (index . 0).Values.webConfig.scheme "https") -}}
{{- $_ := set $probe "httpGet" (merge (dict) $probe.httpGet (dict "scheme" "HTTPS")) -}}
{{- end -}}
{{- toYaml $probe -}}
{{- end -}}

{{/*
The volumes are made for a number of replicas and can't be used with another. A
change is refused here, before it reaches the pods, which would refuse it too.
*/}}
{{- define "culprit.guardReplicas" -}}
{{- if .Values.persistence.enabled -}}
{{- $name := include "culprit.fullname" . -}}
{{- $old := lookup "apps/v1" "StatefulSet" (include "culprit.namespace" .) $name -}}
{{- $had := int (dig "spec" "replicas" 0 (default (dict) $old)) -}}
{{- if and $had (ne $had (int .Values.replicas)) -}}
{{- printf "\n%s runs with %d replicas and can't go to %d while it has volumes of its own.\nDrain it first: see \"From one replica to three\" in the README of the chart." $name $had (int .Values.replicas) | fail -}}
{{- end -}}
{{- end -}}
{{- end -}}
