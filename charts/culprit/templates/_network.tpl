{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{/* From the URLs of the configuration to the peers of a NetworkPolicy. */}}

{{/* The Prometheus servers of the configuration, one or a list of them, as a JSON list. */}}
{{- define "culprit.prometheusServers" -}}
{{- $servers := default (dict) .Values.config.prometheus -}}
{{- ternary $servers (list $servers) (kindIs "slice" $servers) | toJson -}}
{{- end -}}

{{/* Servers that send alerts or scrape, as a JSON list of URLs. */}}
{{- define "culprit.clientURLs" -}}
{{- $urls := list -}}
{{- range include "culprit.prometheusServers" . | fromJsonArray -}}{{- $urls = append $urls .url -}}{{- end -}}
{{- range .Values.config.alertmanagers -}}{{- $urls = append $urls .url -}}{{- end -}}
{{- compact $urls | toJson -}}
{{- end -}}

{{/* Everything that culprit calls, as a JSON list of URLs. */}}
{{- define "culprit.serverURLs" -}}
{{- $config := .Values.config -}}
{{- $servers := append (include "culprit.prometheusServers" . | fromJsonArray) (default (dict) $config.grafana) -}}
{{- $servers = concat $servers (default (list) $config.alertmanagers) (default (list) $config.recovery_webhooks) -}}
{{- $urls := .Values.networkPolicy.extraURLs -}}
{{- range $servers -}}
{{- $urls = append $urls .url -}}
{{- $urls = append $urls .rules_url -}}
{{- $urls = append $urls (dig "http_config" "proxy_url" "" .) -}}
{{- $urls = append $urls (dig "http_config" "oauth2" "token_url" "" .) -}}
{{- end -}}
{{- with dig "tracing" "endpoint" "" $config -}}
{{- $urls = append $urls (printf "https://%s" .) -}}
{{- end -}}
{{- compact $urls | uniq | toJson -}}
{{- end -}}

{{/*
Where a URL leads: (list $ url) gives JSON {port, namespaces} for a Service,
{port, cidrs} for anything else. A name without a dot is a Service beside
culprit; one with a single dot is a Service and a namespace, or a pod of a
headless Service beside culprit; one with ".svc" names its namespace.
*/}}
{{- define "culprit.destination" -}}
{{- $root := index . 0 -}}
{{- $own := include "culprit.namespace" $root -}}
{{- $url := urlParse (index . 1) -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $host := regexReplaceAll ":[0-9]+$" $url.host "" | trimPrefix "[" | trimSuffix "]" -}}
{{- $dest := dict "port" (default (ternary "443" "80" (eq $url.scheme "https")) $port) -}}
{{- if contains ":" $host -}}
{{- $_ := set $dest "cidrs" (list (printf "%s/128" $host)) -}}
{{- else if regexMatch "^[0-9.]+$" $host -}}
{{- $_ := set $dest "cidrs" (list (printf "%s/32" $host)) -}}
{{- else if regexMatch "\\.svc(\\.|$)" $host -}}
{{- $_ := set $dest "namespaces" (list (regexReplaceAll "^.*?([^.]+)\\.svc(\\..*)?$" $host "${1}")) -}}
{{- else if not (contains "." $host) -}}
{{- $_ := set $dest "namespaces" (list $own) -}}
{{- else if regexMatch "^[^.]+\\.[^.]+$" $host -}}
{{- $_ := set $dest "namespaces" (list (regexReplaceAll "^[^.]+\\." $host "") $own | uniq) -}}
{{- else -}}
{{- $_ := set $dest "cidrs" $root.Values.networkPolicy.externalCIDRs -}}
{{- end -}}
{{- toJson $dest -}}
{{- end -}}

{{/* The namespaces in which clients are looked for, as a JSON list. */}}
{{- define "culprit.clientNamespaces" -}}
{{- $names := list (include "culprit.namespace" .) -}}
{{- range include "culprit.clientURLs" . | fromJsonArray -}}
{{- $names = concat $names (default (list) (include "culprit.destination" (list $ .) | fromJson).namespaces) -}}
{{- end -}}
{{- $names | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* Peers in namespaces: (list names pod-labels). */}}
{{- define "culprit.peer" -}}
- namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values:
          {{- toYaml (index . 0) | nindent 10 }}
  {{- with index . 1 }}
  podSelector:
    matchLabels:
      {{- toYaml . | nindent 6 }}
  {{- end }}
{{- end -}}
