/* Ready: the file that tells clients how to reach this emulator, written in one step once it
 * answers.
 *
 * One JSON object. `weir init --from-emulator F` reads exactly these members:
 *
 *     endpoint            "https://127.0.0.1:4711", without /v1
 *     authority           "https://127.0.0.1:4711": for <authority>/<tenant>/oauth2/v2.0/token
 *     audience            "https://127.0.0.1:4711": scope <audience>/.default; that of the
 *                         service itself, https://api.loganalytics.io, is good as well
 *     management          "https://127.0.0.1:4711": Resource Manager's; the audience of its tokens
 *                         is https://management.azure.com
 *     tenant              GUID
 *     client_id           GUID
 *     client_secret_file  path of a 0600 file that holds the secret; absolute
 *     conditional_client_id, conditional_client_secret_file
 *                         only with --condition or --deny: the client that sees less
 *     client_certificate_file
 *                         path of a 0600 file: the client's certificate and its key (PEM); absolute
 *     federated_token_file
 *                         path of a 0600 file: a token of an outside issuer that is trusted for the
 *                         client; absolute
 *     public_client_id    GUID: who may sign in with a device code, beside client_id
 *     imds                "http://127.0.0.1:4712": for AZURE_POD_IDENTITY_AUTHORITY_HOST
 *     msi_endpoint        "http://127.0.0.1:4712/msi/token": for IDENTITY_ENDPOINT
 *     msi_header_file     path of a 0600 file: the value of IDENTITY_HEADER; absolute
 *     identity_client_id  GUID: what the tokens of the machine's own identity tell
 *     user_identity_client_id, user_identity_object_id, user_identity_resource_id
 *                         of the identity that was assigned to it
 *     vault               "https://127.0.0.1:4711": the Key Vault's
 *     ingestion           "https://127.0.0.1:4711": of the Logs Ingestion API
 *     ingestion_rule      "dcr-...": immutable id of its data collection rule
 *     workspace_id        GUID
 *     workspace_name      "weir-emulator"
 *     resource_id         "/subscriptions/.../workspaces/weir-emulator"
 *     ca_file             only with --tls: path of the authority's certificate (PEM); absolute
 *     pid                 number
 *     tables              [{"name": "Syslog", "rows": 284}, ...]
 */
#ifndef WEIR_EMULATOR_READY_H
#define WEIR_EMULATOR_READY_H

#include "emulator/service.h"
#include "emulator/sign_in.h"

/* The JSON text. */
struct ready_files {
    const char *secret, *conditional_secret, *ca; /* NULL: there is none */
    const struct sign_in *sign_in;
};

void ready_put(const struct service *service, const struct ready_files *files, struct buf *out);

#endif
