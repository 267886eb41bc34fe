{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{/* The user's constraints, each with the labels of the pods if it has none, or those of three replicas. */}}
{{- define "culprit.topologySpread" -}}
{{- $constraints := .Values.topologySpreadConstraints -}}
{{- if and (not $constraints) (eq (int .Values.replicas) 3) -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" -}}
{{- $constraints = append $constraints (dict "maxSkew" 1 "topologyKey" . "whenUnsatisfiable" "ScheduleAnyway") -}}
{{- end -}}
{{- end -}}
{{- $selector := dict "matchLabels" (include "culprit.selectorLabels" . | fromYaml) -}}
{{- $all := list -}}
{{- range $constraints -}}
{{- $all = append $all (merge (dict) . (dict "labelSelector" $selector)) -}}
{{- end -}}
{{- if $all -}}{{- toYaml $all -}}{{- end -}}
{{- end -}}
