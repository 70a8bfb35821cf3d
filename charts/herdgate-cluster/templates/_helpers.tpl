{{- define "herdgate-cluster.name" -}}
{{- $name := default .Release.Name .Values.nameOverride }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" $name) }}
{{- fail (printf "%q cannot name a MqttCluster: at most 40 lower-case letters, digits and '-', a letter first; set nameOverride" $name) }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "herdgate-cluster.labels" -}}
app.kubernetes.io/name: herdgate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: herdgate
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The listener that the test uses, as YAML; empty when there is none. */ -}}
{{- define "herdgate-cluster.testListener" -}}
{{- $wanted := .Values.test.listener }}
{{- $found := dict }}
{{- range .Values.spec.listeners }}
{{- $proxied := eq (default "Disabled" (default dict .proxyProtocol).mode) "Required" }}
{{- if and (not $found) (eq .protocol "MQTTS") (not $proxied) (or (not $wanted) (eq .name $wanted)) }}
{{- $found = . }}
{{- end }}
{{- end }}
{{- if and $wanted (not $found) }}
{{- fail (printf "test.listener: spec.listeners has no MQTTS listener %q without proxyProtocol" $wanted) }}
{{- end }}
{{- with $found }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "herdgate-cluster.testImage" -}}
{{- $image := default dict .Values.spec.image }}
{{- $repository := default "herdgate/herdgate" $image.repository }}
{{- $tag := default .Chart.AppVersion $image.tag }}
{{- if $image.digest }}
{{- printf "%s:%s@%s" $repository $tag $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository $tag }}
{{- end }}
{{- end }}
