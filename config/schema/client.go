// SPDX-License-Identifier: Apache-2.0

package schema

// clientNotes describe the settings of Prometheus' HTTP client. The comments of its types are about
// fields and scrape targets.
func clientNotes() map[[2]string]string {
	const noManager = "not supported: culprit has no secret manager"
	return map[[2]string]string{
		{"HTTPClientConfig", ""}:                "HTTP client settings, as in Prometheus and Alertmanager. At most one of `basic_auth`, `authorization`, `oauth2` and `bearer_token` may be set. File names are relative to the file that holds them.",
		{"HTTPClientConfig", "BasicAuth"}:       "HTTP basic authentication",
		{"HTTPClientConfig", "Authorization"}:   "Authorization header",
		{"HTTPClientConfig", "OAuth2"}:          "OAuth 2.0 client credentials",
		{"HTTPClientConfig", "BearerToken"}:     "deprecated: use `authorization.credentials`",
		{"HTTPClientConfig", "BearerTokenFile"}: "deprecated: use `authorization.credentials_file`",
		{"HTTPClientConfig", "TLSConfig"}:       "TLS settings",
		{"HTTPClientConfig", "FollowRedirects"}: "follow HTTP redirects, to the same scheme, host and port only; default true",
		{"HTTPClientConfig", "EnableHTTP2"}:     "use HTTP/2 where the server offers it; default true",
		{"HTTPClientConfig", "HTTPHeaders"}:     "headers to add to each request, such as `X-Scope-OrgID`",

		{"ProxyConfig", "ProxyURL"}:             "HTTP proxy",
		{"ProxyConfig", "NoProxy"}:              "comma-separated hosts, domains and networks that are reached without the proxy",
		{"ProxyConfig", "ProxyFromEnvironment"}: "take the proxy from `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; default false",
		{"ProxyConfig", "ProxyConnectHeader"}:   "headers to send to the proxy in CONNECT requests",

		{"BasicAuth", ""}:             "HTTP basic authentication.",
		{"BasicAuth", "Username"}:     "user name",
		{"BasicAuth", "UsernameFile"}: "file with the user name",
		{"BasicAuth", "UsernameRef"}:  noManager,
		{"BasicAuth", "Password"}:     "password",
		{"BasicAuth", "PasswordFile"}: "file with the password",
		{"BasicAuth", "PasswordRef"}:  noManager,

		{"Authorization", ""}:                "The Authorization header of each request.",
		{"Authorization", "Type"}:            "authentication scheme; default Bearer",
		{"Authorization", "Credentials"}:     "credentials",
		{"Authorization", "CredentialsFile"}: "file with the credentials",
		{"Authorization", "CredentialsRef"}:  noManager,

		{"OAuth2", ""}:                         "OAuth 2.0 client credentials.",
		{"OAuth2", "ClientID"}:                 "client ID",
		{"OAuth2", "ClientSecret"}:             "client secret",
		{"OAuth2", "ClientSecretFile"}:         "file with the client secret",
		{"OAuth2", "ClientSecretRef"}:          noManager,
		{"OAuth2", "ClientCertificateKeyID"}:   "ID of the key that signs the JWT (JWT bearer grant only)",
		{"OAuth2", "ClientCertificateKey"}:     "private key that signs the JWT (JWT bearer grant only)",
		{"OAuth2", "ClientCertificateKeyFile"}: "file with the private key that signs the JWT (JWT bearer grant only)",
		{"OAuth2", "ClientCertificateKeyRef"}:  noManager,
		{"OAuth2", "GrantType"}:                "grant type: `client_credentials` or `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523); default client_credentials",
		{"OAuth2", "SignatureAlgorithm"}:       "RS256, RS384 or RS512 (JWT bearer grant only); default RS256",
		{"OAuth2", "Iss"}:                      "issuer in the JWT (JWT bearer grant only); default client_id",
		{"OAuth2", "Audience"}:                 "audience in the JWT (JWT bearer grant only); default token_url",
		{"OAuth2", "Claims"}:                   "claims to add to the JWT (JWT bearer grant only)",
		{"OAuth2", "Scopes"}:                   "scopes of the token request",
		{"OAuth2", "TokenURL"}:                 "URL to fetch the token from",
		{"OAuth2", "EndpointParams"}:           "parameters to add to the token request",
		{"OAuth2", "TLSConfig"}:                "TLS settings of the token request",

		{"TLSConfig", ""}:                   "TLS settings.",
		{"TLSConfig", "CA"}:                 "certificate authority that signs the server's certificate, as PEM text",
		{"TLSConfig", "CAFile"}:             "file with the certificate authority",
		{"TLSConfig", "CARef"}:              noManager,
		{"TLSConfig", "Cert"}:               "client certificate, as PEM text",
		{"TLSConfig", "CertFile"}:           "file with the client certificate",
		{"TLSConfig", "CertRef"}:            noManager,
		{"TLSConfig", "Key"}:                "private key of the client certificate, as PEM text",
		{"TLSConfig", "KeyFile"}:            "file with the private key",
		{"TLSConfig", "KeyRef"}:             noManager,
		{"TLSConfig", "ServerName"}:         "name that the server's certificate must have; default the host of the URL",
		{"TLSConfig", "InsecureSkipVerify"}: "do not verify the server's certificate; default false",
		{"TLSConfig", "MinVersion"}:         "lowest TLS version; default TLS12",
		{"TLSConfig", "MaxVersion"}:         "highest TLS version; default TLS13",

		{"Headers", ""}:       "Headers by name.",
		{"Header", ""}:        "The values of one header.",
		{"Header", "Values"}:  "values",
		{"Header", "Secrets"}: "secret values",
		{"Header", "Files"}:   "files with values",
	}
}
