{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{/* Names and labels. */}}

{{- define "culprit.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for "-headless" and for the revision label of a StatefulSet. */}}
{{- define "culprit.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "culprit.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "culprit.headless" -}}
{{- printf "%s-headless" (include "culprit.fullname" .) -}}
{{- end -}}

{{- define "culprit.serviceAccountName" -}}
{{- $own := ternary (include "culprit.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $own .Values.serviceAccount.name -}}
{{- end -}}

{{- define "culprit.configMapName" -}}
{{- default (printf "%s-config" (include "culprit.fullname" .)) .Values.existingConfigMap -}}
{{- end -}}

{{- define "culprit.clusterSecretName" -}}
{{- default (printf "%s-cluster" (include "culprit.fullname" .)) .Values.cluster.existingSecret -}}
{{- end -}}

{{- define "culprit.selectorLabels" -}}
app.kubernetes.io/name: {{ include "culprit.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "culprit.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "culprit.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: {{ include "culprit.name" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The labels of an object for a Prometheus operator: (list $ own-labels). */}}
{{- define "culprit.operatorLabels" -}}
{{- $root := index . 0 -}}
{{- $own := index . 1 -}}
{{- if $root.Values.kubePrometheusStack.enabled -}}
{{- $own = merge (dict) $own (dict "release" $root.Values.kubePrometheusStack.release) -}}
{{- end -}}
{{- include "culprit.labels" $root }}
{{- with $own }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Whether an object for a Prometheus operator is wanted: (list $ enabled). */}}
{{- define "culprit.operatorWants" -}}
{{- if or (index . 1) (index . 0).Values.kubePrometheusStack.enabled -}}true{{- end -}}
{{- end -}}

{{/* Whether the AlertmanagerConfig is made: it is wanted, and takes no alert away from people. */}}
{{- define "culprit.routed" -}}
{{- if and (include "culprit.operatorWants" (list . .Values.alertmanagerConfig.enabled)) .Values.alertmanagerConfig.mainRouteCatchesAll -}}true{{- end -}}
{{- end -}}

{{/* The reference of an image: (list $ image default-tag). */}}
{{- define "culprit.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := default $image.registry $root.Values.global.imageRegistry -}}
{{- $name := $image.repository -}}
{{- if $registry -}}{{- $name = printf "%s/%s" $registry $name -}}{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default (index . 2) $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "culprit.pullSecrets" -}}
{{- with concat .Values.global.imagePullSecrets .Values.imagePullSecrets | uniq -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}
