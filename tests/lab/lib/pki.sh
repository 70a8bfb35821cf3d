# One certificate authority, one certificate for each who speaks to the API server.

write_pki() {
  mkdir -p "$RUN/pki"
  make_key ca
  openssl req -x509 -new -key "$RUN/pki/ca.key" -out "$RUN/pki/ca.crt" -subj /CN=lab-ca -days 30
  make_certificate apiserver /CN=kube-apiserver "IP:$NODE_ADDRESS,IP:127.0.0.1,IP:$API_SERVICE_ADDRESS,DNS:kubernetes.default.svc"
  make_certificate kubelet "/O=system:nodes/CN=system:node:$NODE_NAME" "DNS:$NODE_NAME,IP:$NODE_ADDRESS"
  make_certificate admin /O=system:masters/CN=admin DNS:admin
  make_certificate provider /O=system:masters/CN=lab:provider DNS:provider
  local component
  for component in kube-controller-manager kube-scheduler kube-proxy; do
    make_certificate "$component" "/CN=system:$component" "DNS:$component"
  done
  make_key serviceaccount
  openssl ec -in "$RUN/pki/serviceaccount.key" -pubout -out "$RUN/pki/serviceaccount.pub" 2>/dev/null
  for component in admin provider kubelet kube-controller-manager kube-scheduler kube-proxy; do write_kubeconfig "$component"; done
}

make_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$RUN/pki/$1.key"; }

# make_certificate NAME SUBJECT ALTERNATIVE_NAMES
make_certificate() {
  local file=$RUN/pki/$1
  make_key "$1"
  openssl req -new -key "$file.key" -subj "$2" |
    openssl x509 -req -CA "$RUN/pki/ca.crt" -CAkey "$RUN/pki/ca.key" -CAcreateserial -days 30 -out "$file.crt" \
      -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth' "$3") 2>/dev/null
}

# The material is inside, so that the file works wherever it is copied to.
write_kubeconfig() {
  local pki=$RUN/pki
  cat > "$RUN/$1.kubeconfig" <<KUBECONFIG
apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: lab}}]
clusters: [{name: lab, cluster: {server: "https://$NODE_ADDRESS:6443", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}}]
users: [{name: lab, user: {client-certificate-data: $(base64 -w0 "$pki/$1.crt"), client-key-data: $(base64 -w0 "$pki/$1.key")}}]
KUBECONFIG
  chmod 600 "$RUN/$1.kubeconfig"
}
