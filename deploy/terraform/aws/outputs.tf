output "bucket" {
  description = "The bucket: deliveries/ is read, artefacts/ has the program, outcomes/ what jobs did, logs/ is kept for 30 days."
  value       = aws_s3_bucket.this.bucket
}

output "application_id" {
  description = "The EMR Serverless application that jobs are submitted to."
  value       = aws_emrserverless_application.this.id
}

output "job_role_arn" {
  description = "The role that a job runs as."
  value       = aws_iam_role.job.arn
}

output "submit_policy_arn" {
  description = "The policy for the role of who submits jobs."
  value       = aws_iam_policy.submit.arn
}

output "database_host" {
  description = "The database server, reachable from within the VPC only."
  value       = aws_db_instance.this.address
}

output "database_admin_secret" {
  description = "The secret, made by RDS, with the administrator's password."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "database_url_secret" {
  description = "The secret that takes the loader's URL; for --database-secret aws-secretsmanager:NAME."
  value       = aws_secretsmanager_secret.database_url.name
}
