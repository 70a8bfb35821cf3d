{{- /* What the operator does in the namespaces that it looks after. Each rule has its reason above it. */ -}}
{{- define "herdgate.rules" -}}
# the clusters that people ask for
- apiGroups: [herdgate.io]
  resources: [mqttclusters]
  verbs: [get, list, watch]
# tells how each cluster is
- apiGroups: [herdgate.io]
  resources: [mqttclusters/status]
  verbs: [patch]
# lets children block their owner's deletion, where the API server checks who may (OwnerReferencesPermissionEnforcement)
- apiGroups: [herdgate.io]
  resources: [mqttclusters/finalizers]
  verbs: [update]
# edges and shards: applied, watched for their progress, deleted when no longer asked for
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
# the clients' Service, the shards' names, the brokers' configuration and identity
- apiGroups: [""]
  resources: [services, configmaps, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
# the link token is made here; certificates and password files are only looked for
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
# keeps a node's drain from taking too many brokers at once
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# asks each broker how it is
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
# tells of changes that people should see
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}
